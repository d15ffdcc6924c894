-- As before (0142), and what caches know of these products' stock is old: the tags of stock.changed in bus/invalidations.ts.
CREATE OR REPLACE FUNCTION inventory.announce(p_products text[], p_template jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_products text[];
BEGIN
  IF p_template IS NULL OR p_template = '[]' OR coalesce(cardinality(p_products), 0) = 0 THEN RETURN; END IF;
  v_products := ARRAY(SELECT DISTINCT p.id FROM unnest(p_products) AS p(id) ORDER BY p.id);
  FOR i IN 1..cardinality(v_products) BY 500 LOOP
    PERFORM bus.enqueue_list(p_template, '$product', v_products[i:i + 499]);
  END LOOP;
  PERFORM platform.invalidate(ARRAY(SELECT 'stock:' || p.id FROM unnest(v_products) AS p(id)), true,
                              p_template -> 0 ->> 'traceparent');
END $$;
