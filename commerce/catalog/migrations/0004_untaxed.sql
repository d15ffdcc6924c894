-- Those of these variants on which no tax is due, whatever their product.
CREATE FUNCTION catalog.untaxed(p_store text, p_variants text[]) RETURNS TABLE (variant_id text) LANGUAGE sql STABLE AS $$
  SELECT v.id FROM catalog.variant v
  WHERE v.store_id = p_store AND v.id = ANY (p_variants) AND NOT v.taxable
$$;
