CREATE SCHEMA catalog;

CREATE TABLE catalog.product (
  store_id    text        NOT NULL,
  id          text        NOT NULL,
  handle      text        NOT NULL,
  title       text        NOT NULL,
  description text        NOT NULL DEFAULT '',
  vendor      text        NOT NULL DEFAULT '',
  type        text        NOT NULL DEFAULT '',
  status      text        NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'active', 'archived')),
  tags        text[]      NOT NULL DEFAULT '{}',
  version     bigint      NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, id),
  UNIQUE (store_id, handle)
);
-- The three orders of the storefront's list; ids sort by time of creation.
CREATE INDEX product_newest ON catalog.product (store_id, id DESC) WHERE status = 'active';
CREATE INDEX product_title ON catalog.product (store_id, lower(title), id) WHERE status = 'active';

CREATE TABLE catalog.option (
  store_id   text     NOT NULL,
  product_id text     NOT NULL,
  position   smallint NOT NULL CHECK (position BETWEEN 1 AND 3),
  name       text     NOT NULL,
  PRIMARY KEY (store_id, product_id, position),
  FOREIGN KEY (store_id, product_id) REFERENCES catalog.product (store_id, id) ON DELETE CASCADE
);

-- option_values stand in the order of the product's options; empty for the only variant of a product without options.
CREATE TABLE catalog.variant (
  store_id          text        NOT NULL,
  id                text        NOT NULL,
  product_id        text        NOT NULL,
  position          integer     NOT NULL,
  title             text        NOT NULL,
  sku               text,
  barcode           text,
  option_values     text[]      NOT NULL DEFAULT '{}',
  grams             integer     NOT NULL DEFAULT 0 CHECK (grams >= 0),
  requires_shipping boolean     NOT NULL DEFAULT true,
  taxable           boolean     NOT NULL DEFAULT true,
  version           bigint      NOT NULL DEFAULT 1,
  created_at        timestamptz NOT NULL DEFAULT now(),
  updated_at        timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, id),
  -- Deferrable: checked at the end of the statement, so that two variants may swap their options or SKUs.
  UNIQUE (store_id, product_id, option_values) DEFERRABLE,
  UNIQUE (store_id, sku) DEFERRABLE,
  FOREIGN KEY (store_id, product_id) REFERENCES catalog.product (store_id, id) ON DELETE CASCADE
);

CREATE TABLE catalog.category (
  store_id   text        NOT NULL,
  id         text        NOT NULL,
  handle     text        NOT NULL,
  title      text        NOT NULL,
  parent_id  text,
  version    bigint      NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, id),
  UNIQUE (store_id, handle)
);

CREATE TABLE catalog.product_category (
  store_id    text NOT NULL,
  product_id  text NOT NULL,
  category_id text NOT NULL,
  PRIMARY KEY (store_id, product_id, category_id),
  FOREIGN KEY (store_id, product_id) REFERENCES catalog.product (store_id, id) ON DELETE CASCADE,
  FOREIGN KEY (store_id, category_id) REFERENCES catalog.category (store_id, id) ON DELETE CASCADE
);
CREATE INDEX product_category_members ON catalog.product_category (store_id, category_id, product_id DESC);

-- Pictures that live elsewhere, as product files name them. Shown until the product has media of its own.
CREATE TABLE catalog.product_image (
  store_id   text    NOT NULL,
  product_id text    NOT NULL,
  position   integer NOT NULL,
  src        text    NOT NULL,
  alt        text    NOT NULL DEFAULT '',
  PRIMARY KEY (store_id, product_id, position),
  FOREIGN KEY (store_id, product_id) REFERENCES catalog.product (store_id, id) ON DELETE CASCADE
);

-- What media told us of the pictures of a product (job catalog.attach_media). One row an asset.
CREATE TABLE catalog.product_media (
  store_id    text    NOT NULL,
  asset_id    text    NOT NULL,
  product_id  text    NOT NULL,
  position    integer NOT NULL,
  alt         text    NOT NULL DEFAULT '',
  placeholder text,
  variants    jsonb   NOT NULL,
  PRIMARY KEY (store_id, asset_id),
  FOREIGN KEY (store_id, product_id) REFERENCES catalog.product (store_id, id) ON DELETE CASCADE
);
CREATE INDEX product_media_product ON catalog.product_media (store_id, product_id, position, asset_id);

-- What a cart or a checkout needs to know of variants; unknown ones are absent. title is the variant's own ("S / Red"),
-- or the product's title where a product has no options. status is the product's: only 'active' may be sold.
CREATE FUNCTION catalog.sellable(p_store text, p_variants text[])
RETURNS TABLE (variant_id text, product_id text, sku text, title text, product_title text, status text)
LANGUAGE sql STABLE AS $$
  SELECT v.id, v.product_id, v.sku, v.title, p.title, p.status
  FROM catalog.variant v
  JOIN catalog.product p ON p.store_id = v.store_id AND p.id = v.product_id
  WHERE v.store_id = p_store AND v.id = ANY (p_variants)
$$;
