CREATE SCHEMA media;

-- One picture of one store. The same bytes in a store are the same asset. `version` grows with every change.
CREATE TABLE media.asset (
  id          text        NOT NULL,
  store_id    text        NOT NULL,
  sha256      text        NOT NULL,
  status      text        NOT NULL CHECK (status IN ('processing', 'ready', 'failed')),
  format      text        NOT NULL,
  bytes       bigint      NOT NULL,
  filename    text,
  alt         text,
  -- The product that shows it, and its place among that product's pictures.
  product_id  text,
  position    integer,
  -- Known when it is ready: the original as it is to be seen (upright), and how it looks before it is loaded.
  width       integer,
  height      integer,
  animated    boolean     NOT NULL DEFAULT false,
  placeholder text,
  colour      text,
  error_code  text,
  error       text,
  version     integer     NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, id),
  UNIQUE (store_id, sha256)
);
CREATE INDEX asset_product ON media.asset (store_id, product_id, position) WHERE product_id IS NOT NULL;

-- A size of an asset in a format. Rows of several sizes, assets and stores may name one stored file.
CREATE TABLE media.variant (
  store_id    text        NOT NULL,
  asset_id    text        NOT NULL,
  name        text        NOT NULL,
  format      text        NOT NULL,
  ordinal     integer     NOT NULL,
  width       integer     NOT NULL,
  height      integer     NOT NULL,
  bytes       bigint      NOT NULL,
  animated    boolean     NOT NULL,
  storage_key text        NOT NULL,
  PRIMARY KEY (store_id, asset_id, name, format),
  FOREIGN KEY (store_id, asset_id) REFERENCES media.asset ON DELETE CASCADE
);
-- Whether a stored file is still in use is asked by key, across stores.
CREATE INDEX variant_storage_key ON media.variant (storage_key);
