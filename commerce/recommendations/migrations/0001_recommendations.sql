CREATE SCHEMA recommendations;

-- In how many orders a product was, and in how many it was together with another. Both directions of a pair are a row, so
-- that what goes with a product is one range of one index.
CREATE TABLE recommendations.product (
  store_id   text   NOT NULL,
  product_id text   NOT NULL,
  orders     bigint NOT NULL,
  PRIMARY KEY (store_id, product_id)
) WITH (fillfactor = 80);
CREATE TABLE recommendations.pair (
  store_id   text   NOT NULL,
  product_id text   NOT NULL,
  other_id   text   NOT NULL,
  orders     bigint NOT NULL,
  PRIMARY KEY (store_id, product_id, other_id)
);
CREATE INDEX pair_most ON recommendations.pair (store_id, product_id, orders DESC, other_id);

-- Orders that are counted, noted in the transaction that counts them, and forgotten when no job can come for them any more.
CREATE TABLE recommendations.counted_order (
  store_id   text        NOT NULL,
  order_id   text        NOT NULL,
  counted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, order_id)
);
CREATE INDEX counted_order_age ON recommendations.counted_order (counted_at);
