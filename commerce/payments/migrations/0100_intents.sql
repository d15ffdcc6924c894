-- Nobody looks for intents by order: an order knows its intent.
DROP INDEX payments.intent_order;

-- What an intent is for.
CREATE FUNCTION payments.amount_of(p_store text, p_intent text) RETURNS TABLE (amount_minor bigint, currency text)
LANGUAGE sql STABLE AS $$
  SELECT i.amount_minor, i.currency FROM payments.intent i WHERE i.store_id = p_store AND i.id = p_intent
$$;

-- The intents of a group of orders; p_go: the places of those that get one, NULL: all.
CREATE FUNCTION payments.intend_orders(p_stores text[], p_intents text[], p_orders text[], p_providers text[],
                                       p_amounts bigint[], p_currencies text[], p_go bigint[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO payments.intent (store_id, id, order_id, provider, amount_minor, currency)
  SELECT w.store_id, w.id, w.order_id, w.provider, w.amount, w.currency
  FROM unnest(p_stores, p_intents, p_orders, p_providers, p_amounts, p_currencies) WITH ORDINALITY
       AS w(store_id, id, order_id, provider, amount, currency, n)
  WHERE p_go IS NULL OR w.n = ANY (p_go)
$$;
