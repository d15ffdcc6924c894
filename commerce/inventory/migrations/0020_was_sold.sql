-- Whether units of any of these variants were ever sold, or are held for a checkout right now.
CREATE FUNCTION inventory.was_sold(p_store text, p_variants text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM inventory.level l
                 WHERE l.store_id = p_store AND l.variant_id = ANY (p_variants) AND l.reserved > 0)
      OR EXISTS (SELECT FROM inventory.adjustment a
                 WHERE a.store_id = p_store AND a.variant_id = ANY (p_variants) AND a.reason = 'sale')
$$;
