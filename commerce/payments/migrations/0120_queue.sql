-- payments.intend, once however often it is asked for.
CREATE FUNCTION payments.intend_once(p_store text, p_intent text, p_order text, p_provider text, p_amount bigint,
                                     p_currency text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO payments.intent (store_id, id, order_id, provider, amount_minor, currency)
  VALUES (p_store, p_intent, p_order, p_provider, p_amount, p_currency) ON CONFLICT DO NOTHING
$$;
