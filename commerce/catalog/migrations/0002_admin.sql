-- The category tree. path holds the ids from the root down to the category itself, so that "in this branch" needs no
-- recursion; it is written by whoever moves a branch, under the store's lock of groups.
ALTER TABLE catalog.category
  ADD COLUMN path       text[]      NOT NULL DEFAULT '{}',
  ADD COLUMN position   integer     NOT NULL DEFAULT 0,
  ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
  ADD FOREIGN KEY (store_id, parent_id) REFERENCES catalog.category (store_id, id);
UPDATE catalog.category SET path = ARRAY[id];
ALTER TABLE catalog.category ALTER COLUMN path DROP DEFAULT, ADD CHECK (path[cardinality(path)] = id);
CREATE INDEX category_children ON catalog.category (store_id, parent_id, position, id);

-- arranged: an admin gave position and alt, which media's later news leave alone. hidden: taken off the product.
ALTER TABLE catalog.product_media
  ADD COLUMN arranged boolean NOT NULL DEFAULT false,
  ADD COLUMN hidden   boolean NOT NULL DEFAULT false;

-- Shops' lists are served from storefront.listing; these were theirs. What is left is the back office's list.
DROP INDEX catalog.product_newest;
DROP INDEX catalog.product_title;
CREATE INDEX product_status ON catalog.product (store_id, status, id DESC);

-- The category with this id, else with this handle.
CREATE FUNCTION catalog.find_category(p_store text, p_word text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT c.id FROM catalog.category c WHERE c.store_id = p_store AND (c.id = p_word OR c.handle = p_word)
  ORDER BY c.id = p_word DESC LIMIT 1
$$;
