-- A variant as it is sold; a row only where there is such a variant. title: with that of its product. Of one row and one
-- statement, so that Postgres makes it part of the statement that calls it.
CREATE FUNCTION catalog.for_sale(p_store text, p_variant text)
RETURNS TABLE (product_id text, sku text, title text, active boolean, taxable boolean) LANGUAGE sql STABLE AS $$
  SELECT v.product_id, v.sku, CASE WHEN v.title = p.title THEN v.title ELSE p.title || ' – ' || v.title END,
         p.status = 'active', v.taxable
  FROM catalog.variant v
  JOIN catalog.product p ON p.store_id = v.store_id AND p.id = v.product_id
  WHERE v.store_id = p_store AND v.id = p_variant
$$;
