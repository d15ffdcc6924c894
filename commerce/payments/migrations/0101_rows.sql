-- Intents of a group of orders as rows.
DROP FUNCTION payments.intend_orders(text[], text[], text[], text[], bigint[], text[], bigint[]);

-- p_orders: rows with store_id, intent_id, order_id, provider, total, currency.
CREATE FUNCTION payments.intend_orders(p_orders anyarray) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO payments.intent (store_id, id, order_id, provider, amount_minor, currency)
  SELECT w.store_id, w.intent_id, w.order_id, w.provider, w.total, w.currency FROM unnest(p_orders) w;
END $$;

-- created → authorised; how many. p_orders: rows with store_id, intent_id.
CREATE FUNCTION payments.authorise_orders(p_orders anyarray) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
BEGIN
  UPDATE payments.intent i SET status = 'authorised', updated_at = now()
  FROM unnest(p_orders) w
  WHERE i.store_id = w.store_id AND i.id = w.intent_id AND i.status = 'created';
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;
