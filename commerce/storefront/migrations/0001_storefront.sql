CREATE SCHEMA storefront;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- The read model of lists: one row for each product that shops show, kept by jobs of catalog.summarise. document is what a
-- list answers with; the columns beside it are what rules of collections look at.
CREATE TABLE storefront.product_summary (
  store_id         text        NOT NULL,
  product_id       text        NOT NULL,
  handle           text        NOT NULL,
  title            text        NOT NULL,
  vendor           text        NOT NULL,
  type             text        NOT NULL,
  image            jsonb,
  currency         text        NOT NULL,
  -- The lowest of the variants' prices in the store's currency, and what that variant cost before.
  price_minor      bigint,
  compare_at_minor bigint,
  available        bigint      NOT NULL,
  in_stock         boolean     NOT NULL,
  -- Its categories and all that are above them.
  category_ids     text[]      NOT NULL,
  collection_ids   text[]      NOT NULL,
  tags             text[]      NOT NULL,
  popularity       bigint      NOT NULL,
  product_version  bigint      NOT NULL,
  created_at       timestamptz NOT NULL,
  document         jsonb       NOT NULL,
  -- Title and vendor in lower case, for ?q=.
  words            text        NOT NULL,
  updated_at       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, product_id)
);
CREATE INDEX product_summary_words ON storefront.product_summary USING gin (words gin_trgm_ops);

-- Which lists a product is in, with what lists are sorted by. group_id: '' for the list of all, or the id of a category
-- (of every level above the product) or of a collection. Each sort of each list is one range of one index.
CREATE TABLE storefront.listing (
  store_id    text    NOT NULL,
  group_id    text    NOT NULL,
  product_id  text    NOT NULL,
  title_key   text    NOT NULL,
  -- null: no price. Such products come last in both directions.
  price_minor bigint,
  popularity  bigint  NOT NULL,
  -- The higher, the earlier: minus the place in a hand-picked collection, elsewhere 0.
  rank        bigint  NOT NULL,
  PRIMARY KEY (store_id, group_id, product_id),
  FOREIGN KEY (store_id, product_id) REFERENCES storefront.product_summary (store_id, product_id) ON DELETE CASCADE
);
CREATE INDEX listing_title ON storefront.listing (store_id, group_id, title_key, product_id);
CREATE INDEX listing_cheapest ON storefront.listing
  (store_id, group_id, (coalesce(price_minor, 9000000000000000)), product_id);
CREATE INDEX listing_dearest ON storefront.listing (store_id, group_id, (coalesce(price_minor, -1)), product_id);
CREATE INDEX listing_popularity ON storefront.listing (store_id, group_id, popularity, product_id);
CREATE INDEX listing_rank ON storefront.listing (store_id, group_id, rank, product_id);
CREATE INDEX listing_product ON storefront.listing (store_id, product_id);

-- Units sold, and the orders that are counted in it already. Keepers forget those that no job can come for any more.
CREATE TABLE storefront.popularity (
  store_id   text   NOT NULL,
  product_id text   NOT NULL,
  units      bigint NOT NULL,
  PRIMARY KEY (store_id, product_id)
) WITH (fillfactor = 80);
CREATE TABLE storefront.counted_order (
  store_id   text        NOT NULL,
  order_id   text        NOT NULL,
  counted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, order_id)
);
CREATE INDEX counted_order_age ON storefront.counted_order (counted_at);

-- Rebuilds of a store's summaries: how far they are. shape: which form of summary they made.
CREATE TABLE storefront.build (
  store_id     text        NOT NULL,
  id           text        NOT NULL,
  shape        integer     NOT NULL,
  status       text        NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'done')),
  -- Every product up to this one is done.
  checkpoint   text        NOT NULL DEFAULT '',
  done         bigint      NOT NULL DEFAULT 0,
  total        bigint      NOT NULL DEFAULT 0,
  requested_at timestamptz NOT NULL DEFAULT now(),
  started_at   timestamptz,
  finished_at  timestamptz,
  PRIMARY KEY (store_id, id)
);
CREATE UNIQUE INDEX build_open ON storefront.build (store_id) WHERE status <> 'done';
