-- Search does not know yet which rank the units of a product give it; a keeper tells it once a minute.
ALTER TABLE storefront.popularity ADD COLUMN unranked boolean NOT NULL DEFAULT false;
CREATE INDEX popularity_unranked ON storefront.popularity (store_id, product_id) WHERE unranked;
