-- The base prices of variants in every currency, for the back office.
CREATE FUNCTION pricing.base_prices(p_store text, p_variants text[])
RETURNS TABLE (variant_id text, currency text, amount_minor bigint, compare_at_minor bigint) LANGUAGE sql STABLE AS $$
  SELECT p.variant_id, p.currency, p.amount_minor, p.compare_at_minor FROM pricing.price p
  WHERE p.store_id = p_store AND p.variant_id = ANY (p_variants)
$$;
