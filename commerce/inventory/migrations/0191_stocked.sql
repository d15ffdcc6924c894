-- As inventory.available, for whoever asks for a whole shop: variants without a level are absent.
CREATE FUNCTION inventory.stocked(p_store text, p_variants text[])
RETURNS TABLE (variant_id text, available bigint, backorder boolean) LANGUAGE sql STABLE AS $$
  SELECT l.variant_id, sum(greatest(l.on_hand - l.reserved, 0))::bigint, bool_or(l.backorder)
  FROM inventory.level l
  WHERE l.store_id = p_store AND l.variant_id = ANY (p_variants)
  GROUP BY l.variant_id
$$;
