-- Enqueues what follows from stock.changed. p_template: outbox rows made for one product called '$product'. Each row is
-- enqueued once for all products (500 at a time): their ids take its place in the payload's list, the first one its place in
-- the key. NULL: nobody wants to know.
CREATE OR REPLACE FUNCTION inventory.announce(p_products text[], p_template jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_products text[];
BEGIN
  IF p_template IS NULL OR p_template = '[]' OR coalesce(cardinality(p_products), 0) = 0 THEN RETURN; END IF;
  v_products := ARRAY(SELECT DISTINCT p.id FROM unnest(p_products) AS p(id) ORDER BY p.id);
  FOR i IN 1..cardinality(v_products) BY 500 LOOP
    PERFORM bus.enqueue_list(p_template, '$product', v_products[i:i + 499]);
  END LOOP;
END $$;
