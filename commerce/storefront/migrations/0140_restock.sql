-- Stock changes with each order, and no index holds it: with room in the page such an update touches nothing else.
ALTER TABLE storefront.product_summary SET (fillfactor = 70);
-- The lists don't show yet what was sold; a keeper sees to it every few seconds.
ALTER TABLE storefront.popularity ADD COLUMN dirty boolean NOT NULL DEFAULT false;
CREATE INDEX popularity_dirty ON storefront.popularity (store_id, product_id) WHERE dirty;
