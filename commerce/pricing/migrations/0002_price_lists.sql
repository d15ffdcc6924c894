-- Price lists: prices that hold instead of the base price while their conditions are met.
--
-- Which price an item gets (pricing.resolve; the first that applies):
--   1. override: the lowest of the overrides that apply. It stands in place of the base price, also where it is higher,
--      and where the variant has no base price in that currency.
--   2. sale: the lowest of the sales that apply, if it is lower than the base price. A sale never makes a price higher,
--      and sells nothing that has no base price. The base price becomes the price to compare with.
--   3. base.
-- A list applies when it is active, of the currency, open (starts_at <= now < ends_at; an absent end is no end), and for
-- everyone or for one of the buyer's segments. Of its entries for a variant the one with the greatest min_quantity that
-- the quantity reaches counts. Equal amounts: the list with the lower id, which is the older one.
-- This is how Medusa reads type, window and conditions (docs.medusajs.com, "Prices Calculation"), with one rule made
-- stricter: ties are always broken the same way.
CREATE TABLE pricing.price_list (
  store_id    text        NOT NULL,
  id          text        NOT NULL,
  name        text        NOT NULL,
  type        text        NOT NULL CHECK (type IN ('sale', 'override')),
  status      text        NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'active')),
  currency    text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  -- Empty: for everyone.
  segment_ids text[]      NOT NULL DEFAULT '{}',
  starts_at   timestamptz,
  ends_at     timestamptz,
  version     bigint      NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, id),
  CHECK (starts_at < ends_at)
);

CREATE INDEX price_list_active ON pricing.price_list (store_id, currency) WHERE status = 'active';

-- product_id is kept here so that a change can name its products without asking the catalog.
CREATE TABLE pricing.list_entry (
  store_id     text    NOT NULL,
  list_id      text    NOT NULL,
  variant_id   text    NOT NULL,
  min_quantity integer NOT NULL DEFAULT 1 CHECK (min_quantity >= 1),
  product_id   text    NOT NULL,
  amount_minor bigint  NOT NULL CHECK (amount_minor >= 0),
  version      bigint  NOT NULL DEFAULT 1,
  PRIMARY KEY (store_id, list_id, variant_id, min_quantity),
  FOREIGN KEY (store_id, list_id) REFERENCES pricing.price_list (store_id, id) ON DELETE CASCADE
);
-- The resolver comes by variant; all it reads of an entry is in here.
CREATE INDEX list_entry_variant ON pricing.list_entry (store_id, variant_id, list_id, min_quantity DESC)
  INCLUDE (amount_minor, version);

-- Moments to come at which an active list opens or closes: a sale that opens is no write, and search has to hear of it.
-- Rewritten with its list; a keeper takes a row when its moment has passed and emits product.changed in the same
-- transaction, so each moment is announced exactly once.
CREATE TABLE pricing.boundary (
  store_id text        NOT NULL,
  list_id  text        NOT NULL,
  at       timestamptz NOT NULL,
  PRIMARY KEY (store_id, list_id, at),
  FOREIGN KEY (store_id, list_id) REFERENCES pricing.price_list (store_id, id) ON DELETE CASCADE
);
CREATE INDEX boundary_due ON pricing.boundary (at);

-- Currencies that a store sells in, beside its own.
CREATE TABLE pricing.store_currency (
  store_id   text        NOT NULL,
  currency   text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, currency)
);

-- Prices of many items at once, of any stores. p_items: [{ storeId, currency, variantId, quantity, segments? }]. One row
-- for each item that has a price; n is its place in p_items, from 1. source: base, sale:<list>, override:<list>.
CREATE FUNCTION pricing.resolve_all(p_items jsonb, p_at timestamptz)
RETURNS TABLE (n bigint, variant_id text, quantity integer, amount_minor bigint, compare_at_minor bigint, version bigint,
               source text)
LANGUAGE sql STABLE AS $$
  WITH item AS MATERIALIZED (
    SELECT i.n, i."storeId" AS store_id, i.currency, i."variantId" AS variant_id, i.quantity,
           coalesce(i.segments, '{}') AS segments
    FROM ROWS FROM (jsonb_to_recordset(p_items) AS ("storeId" text, currency text, "variantId" text, quantity integer,
                    segments text[])) WITH ORDINALITY AS i("storeId", currency, "variantId", quantity, segments, n)
  ), list AS MATERIALIZED (
    SELECT l.store_id, l.id, l.currency, l.type, l.segment_ids
    FROM (SELECT DISTINCT i.store_id, i.currency FROM item i) w
    JOIN pricing.price_list l ON l.store_id = w.store_id AND l.currency = w.currency
    WHERE l.status = 'active'
      AND (l.starts_at IS NULL OR l.starts_at <= p_at) AND (l.ends_at IS NULL OR p_at < l.ends_at)
  ), entry AS MATERIALIZED (
    SELECT i.n, i.currency, i.segments, e.store_id, e.list_id, e.min_quantity, e.amount_minor, e.version
    FROM item i
    JOIN pricing.list_entry e
      ON e.store_id = i.store_id AND e.variant_id = i.variant_id AND e.min_quantity <= i.quantity
    WHERE EXISTS (SELECT FROM list)
  ), tier AS (
    SELECT DISTINCT ON (e.n, e.list_id) e.n, e.list_id, l.type, e.amount_minor, e.version
    FROM entry e
    JOIN list l ON l.store_id = e.store_id AND l.id = e.list_id AND l.currency = e.currency
    WHERE l.segment_ids = '{}' OR l.segment_ids && e.segments
    ORDER BY e.n, e.list_id, e.min_quantity DESC
  ), best AS MATERIALIZED (
    SELECT DISTINCT ON (t.n) t.n, t.type, t.list_id, t.amount_minor, t.version
    FROM tier t ORDER BY t.n, t.type = 'override' DESC, t.amount_minor, t.list_id
  )
  SELECT i.n, i.variant_id, i.quantity, coalesce(r.amount_minor, b.amount_minor),
         CASE r.type WHEN 'sale' THEN b.amount_minor WHEN 'override' THEN NULL ELSE b.compare_at_minor END,
         coalesce(r.version, b.version), coalesce(r.type || ':' || r.list_id, 'base')
  FROM item i
  LEFT JOIN pricing.price b ON b.store_id = i.store_id AND b.variant_id = i.variant_id AND b.currency = i.currency
  LEFT JOIN best r ON r.n = i.n AND (r.type = 'override' OR r.amount_minor < b.amount_minor)
  WHERE b.variant_id IS NOT NULL OR r.n IS NOT NULL
$$;

-- The same for one store and currency. p_items: [{ variantId, quantity }].
CREATE FUNCTION pricing.resolve(p_store text, p_currency text, p_items jsonb, p_segments text[], p_at timestamptz)
RETURNS TABLE (n bigint, variant_id text, quantity integer, amount_minor bigint, compare_at_minor bigint, version bigint,
               source text)
LANGUAGE sql STABLE AS $$
  SELECT r.n, r.variant_id, r.quantity, r.amount_minor, r.compare_at_minor, r.version, r.source
  FROM pricing.resolve_all((
    SELECT jsonb_agg(jsonb_build_object('storeId', p_store, 'currency', p_currency, 'variantId', e -> 'variantId',
                       'quantity', e -> 'quantity', 'segments', coalesce(to_jsonb(p_segments), '[]')) ORDER BY n)
    FROM jsonb_array_elements(p_items) WITH ORDINALITY AS t(e, n)), p_at) r
$$;

-- What one of each variant costs anyone right now; variants without a price in that currency are absent.
CREATE OR REPLACE FUNCTION pricing.current(p_store text, p_currency text, p_variants text[])
RETURNS TABLE (variant_id text, amount_minor bigint, compare_at_minor bigint, version bigint, source text)
LANGUAGE sql STABLE AS $$
  SELECT r.variant_id, r.amount_minor, r.compare_at_minor, r.version, r.source
  FROM pricing.resolve_all((
    SELECT jsonb_agg(jsonb_build_object('storeId', p_store, 'currency', p_currency, 'variantId', v.id, 'quantity', 1))
    FROM (SELECT DISTINCT unnest(p_variants) AS id) v), now()) r
$$;
