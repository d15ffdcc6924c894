-- payments.intend and payments.move for a group; the arrays stand side by side.
CREATE FUNCTION payments.intend_group(p_stores text[], p_intents text[], p_orders text[], p_providers text[],
                                      p_amounts bigint[], p_currencies text[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO payments.intent (store_id, id, order_id, provider, amount_minor, currency)
  SELECT * FROM unnest(p_stores, p_intents, p_orders, p_providers, p_amounts, p_currencies)
$$;

CREATE FUNCTION payments.move_group(p_stores text[], p_intents text[], p_from text[], p_to text) RETURNS bigint
LANGUAGE sql AS $$
  WITH moved AS (
    UPDATE payments.intent i SET status = p_to, updated_at = now()
    FROM unnest(p_stores, p_intents) AS w(store_id, id)
    WHERE i.store_id = w.store_id AND i.id = w.id AND i.status = ANY (p_from)
    RETURNING 1)
  SELECT count(*) FROM moved
$$;
