CREATE SCHEMA search;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- One row a product that was ever indexed. A row is three things: what the engine was told (the versions), the fallback's
-- own index (the columns from `title` on), and the tombstone of a product that is gone (`deleted`, document null).
-- Versions: `version` rises when the content changes, `enqueued_version` is what the engine's queue holds at the latest,
-- `confirmed_version` what its task did. `task` is the engine's task that is not confirmed yet.
CREATE TABLE search.document (
  store_id          text        NOT NULL,
  product_id        text        NOT NULL,
  version           bigint      NOT NULL DEFAULT 1,
  enqueued_version  bigint      NOT NULL DEFAULT 0,
  confirmed_version bigint      NOT NULL DEFAULT 0,
  task              bigint,
  deleted           boolean     NOT NULL,
  content_hash      text        NOT NULL,
  document          jsonb,
  updated_at        timestamptz NOT NULL DEFAULT now(),
  title             text        NOT NULL DEFAULT '',
  vendor            text        NOT NULL DEFAULT '',
  category          text[]      NOT NULL DEFAULT '{}',
  category_ids      text[]      NOT NULL DEFAULT '{}',
  tags              text[]      NOT NULL DEFAULT '{}',
  -- SKUs and barcodes in lower case; matched whole, never by likeness.
  codes             text[]      NOT NULL DEFAULT '{}',
  -- Lowest price of the variants, minor units of the store's currency.
  price             bigint,
  in_stock          boolean     NOT NULL DEFAULT false,
  created_at        timestamptz NOT NULL DEFAULT now(),
  -- What typing errors are forgiven in: title, vendor, categories, tags, option values; without case and accents.
  names             text        NOT NULL DEFAULT '',
  words             tsvector    NOT NULL DEFAULT '',
  PRIMARY KEY (store_id, product_id),
  CHECK (confirmed_version <= enqueued_version AND enqueued_version <= version),
  CHECK (deleted = (document IS NULL))
);
CREATE INDEX document_words ON search.document USING gin (words);
CREATE INDEX document_names ON search.document USING gin (names gin_trgm_ops);
CREATE INDEX document_codes ON search.document USING gin (codes);
CREATE INDEX document_newest ON search.document (store_id, created_at DESC, product_id) WHERE NOT deleted;
CREATE INDEX document_price ON search.document (store_id, price, product_id) WHERE NOT deleted;

-- What is known of a store's index in the engine.
CREATE TABLE search.index (
  store_id      text        NOT NULL PRIMARY KEY,
  -- The engine's creation time of the index; another one there means that the engine was emptied or replaced.
  identity      text,
  settings_hash text        NOT NULL,
  -- The task that applies the settings, until it is seen to have succeeded.
  settings_task bigint,
  updated_at    timestamptz NOT NULL DEFAULT now()
);
