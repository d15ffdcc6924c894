-- Whether price lists may have a say in any of these stores. Where they don't, a price is pricing.base_price, and nothing
-- else need be asked.
CREATE FUNCTION pricing.has_lists(p_stores text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM pricing.price_list l WHERE l.store_id = ANY (p_stores) AND l.status = 'active')
$$;

CREATE FUNCTION pricing.base_price(p_store text, p_currency text, p_variant text)
RETURNS TABLE (amount_minor bigint, compare_at_minor bigint) LANGUAGE sql STABLE AS $$
  SELECT p.amount_minor, p.compare_at_minor FROM pricing.price p
  WHERE p.store_id = p_store AND p.variant_id = p_variant AND p.currency = p_currency
$$;
