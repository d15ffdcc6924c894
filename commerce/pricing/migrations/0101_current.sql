-- The same as before, told by the plain price where no list has an entry of the variant: that is nearly all of them, and an
-- index of a whole shop asks for all.
CREATE OR REPLACE FUNCTION pricing.current(p_store text, p_currency text, p_variants text[])
RETURNS TABLE (variant_id text, amount_minor bigint, compare_at_minor bigint, version bigint, source text)
LANGUAGE sql STABLE AS $$
  WITH listed AS MATERIALIZED (
    SELECT DISTINCT e.variant_id FROM pricing.list_entry e
    WHERE e.store_id = p_store AND e.variant_id = ANY (p_variants)
      AND EXISTS (SELECT FROM pricing.price_list l
                  WHERE l.store_id = p_store AND l.currency = p_currency AND l.status = 'active')
  )
  SELECT b.variant_id, b.amount_minor, b.compare_at_minor, b.version, 'base'
  FROM pricing.price b
  WHERE b.store_id = p_store AND b.currency = p_currency AND b.variant_id = ANY (p_variants)
    AND b.variant_id NOT IN (SELECT d.variant_id FROM listed d)
  UNION ALL
  SELECT r.variant_id, r.amount_minor, r.compare_at_minor, r.version, r.source
  FROM pricing.resolve_all((
    SELECT jsonb_agg(jsonb_build_object('storeId', p_store, 'currency', p_currency, 'variantId', d.variant_id, 'quantity', 1))
    FROM listed d), now()) r
$$;
