CREATE SCHEMA collections;

-- rule is null for a hand-picked collection; else { match: all|any, conditions: [{ field, values | min, max }] }.
CREATE TABLE collections.collection (
  store_id    text        NOT NULL,
  id          text        NOT NULL,
  handle      text        NOT NULL,
  title       text        NOT NULL,
  description text        NOT NULL DEFAULT '',
  rule        jsonb,
  version     bigint      NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, id),
  UNIQUE (store_id, handle)
);
CREATE INDEX collection_rules ON collections.collection (store_id, id) WHERE rule IS NOT NULL;

-- What was picked by hand, in its order. No reference to the product: one that is gone is simply not shown.
CREATE TABLE collections.pick (
  store_id      text    NOT NULL,
  collection_id text    NOT NULL,
  product_id    text    NOT NULL,
  position      integer NOT NULL,
  PRIMARY KEY (store_id, collection_id, product_id),
  FOREIGN KEY (store_id, collection_id) REFERENCES collections.collection (store_id, id) ON DELETE CASCADE
);
CREATE INDEX pick_product ON collections.pick (store_id, product_id);

-- The collection with this id, else with this handle.
CREATE FUNCTION collections.find(p_store text, p_word text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT c.id FROM collections.collection c WHERE c.store_id = p_store AND (c.id = p_word OR c.handle = p_word)
  ORDER BY c.id = p_word DESC LIMIT 1
$$;
