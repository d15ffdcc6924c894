-- Checkouts charge what carts.quotes says, shipping and tax included. The whole group is quoted in one statement, after
-- the locks and before the first request is served: what one request does changes no other's quote.
CREATE OR REPLACE FUNCTION checkout.begin(p_requests jsonb) RETURNS TABLE (n bigint, result jsonb) LANGUAGE plpgsql AS $$
DECLARE
  r record;
BEGIN
  INSERT INTO checkout.attempt (store_id, key, fingerprint, lease_until, cart_id, order_id, reservation_id, intent_id,
                                provider, traceparent)
  SELECT q."storeId", q.key, q.fingerprint, now() + q."leaseMs" * interval '1 millisecond', q."cartId", q."orderId",
         q."reservationId", q."intentId", q.provider, q.traceparent
  FROM jsonb_to_recordset(p_requests) AS q("storeId" text, key text, fingerprint text, "leaseMs" integer, "cartId" text,
       "orderId" text, "reservationId" text, "intentId" text, provider text, traceparent text)
  ORDER BY q."storeId", q.key
  ON CONFLICT DO NOTHING;
  PERFORM 1 FROM checkout.attempt a
  JOIN (SELECT DISTINCT e ->> 'storeId' AS store_id, e ->> 'key' AS key FROM jsonb_array_elements(p_requests) e) w
    USING (store_id, key)
  ORDER BY a.store_id, a.key FOR UPDATE OF a;
  PERFORM inventory.lock_levels(carts.lock(coalesce((
    SELECT jsonb_agg(e) FROM jsonb_array_elements(p_requests) e
    JOIN checkout.attempt a ON a.store_id = e ->> 'storeId' AND a.key = e ->> 'key' AND a.order_id = e ->> 'orderId'), '[]')));

  FOR r IN
    SELECT e AS request, i, c.quote
    FROM jsonb_array_elements(p_requests) WITH ORDINALITY AS t(e, i)
    LEFT JOIN carts.quotes(p_requests) c ON c.store_id = e ->> 'storeId' AND c.cart_id = e ->> 'cartId'
    ORDER BY i
  LOOP
    n := r.i;
    result := checkout.known(r.request);
    IF result IS NULL THEN result := checkout.start(r.request, r.quote); END IF;
    RETURN NEXT;
  END LOOP;
END $$;

DROP FUNCTION checkout.start(jsonb);

-- Cart, total, stock, order and payment intent of a new request. q: the quote of its cart.
CREATE FUNCTION checkout.start(r jsonb, q jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_store text := r ->> 'storeId';
  v_total bigint := (q ->> 'totalMinor')::bigint;
  v_cart record;
  v_short jsonb;
  v_refusal jsonb;
  v_attempt checkout.attempt;
BEGIN
  SELECT * INTO v_cart FROM carts.begin_checkout(v_store, r ->> 'cartId', r ->> 'orderId');
  IF v_cart.outcome <> 'claimed' THEN
    RETURN checkout.forget(r, jsonb_build_object('outcome', 'cart_' || v_cart.outcome, 'orderId', v_cart.order_id));
  END IF;

  SELECT jsonb_agg(jsonb_build_object('variantId', e -> 'variantId', 'requested', e -> 'quantity', 'available', 0) ORDER BY i)
  INTO v_short
  FROM jsonb_array_elements(q -> 'lines') WITH ORDINALITY AS t(e, i) WHERE NOT (e -> 'sellable')::boolean;

  IF q -> 'lines' = '[]' THEN
    v_refusal := jsonb_build_object('outcome', 'cart_empty');
  ELSIF v_short IS NULL AND (v_total IS DISTINCT FROM v_cart.shown_total_minor
        OR (q ->> 'wantedMethod' IS NOT NULL AND q ->> 'shippingMethod' IS NULL)) THEN
    v_refusal := jsonb_build_object('outcome', 'price_changed', 'shownTotalMinor', v_cart.shown_total_minor,
                                    'totalMinor', v_total, 'currency', v_cart.currency);
  END IF;
  IF v_refusal IS NOT NULL THEN
    PERFORM carts.reopen(v_store, r ->> 'cartId', r ->> 'orderId');
    RETURN checkout.forget(r, v_refusal);
  END IF;

  IF v_short IS NULL THEN
    SELECT jsonb_agg(jsonb_build_object('variantId', s.variant_id, 'requested', s.requested, 'available', s.available))
    INTO v_short
    FROM inventory.claim(v_store, r ->> 'reservationId', q -> 'lines',
                         now() + (r ->> 'holdMs')::integer * interval '1 millisecond', r -> 'changed') s;
  END IF;
  IF v_short IS NOT NULL THEN
    PERFORM carts.reopen(v_store, r ->> 'cartId', r ->> 'orderId');
    RETURN checkout.answer(v_store, r ->> 'key', 409,
                           json_build_object('code', 'out_of_stock', 'lines', v_short), NULL);
  END IF;

  PERFORM orders.create_pending(r || jsonb_build_object('email', v_cart.email,
                                'shippingAddress', v_cart.shipping_address), q);
  PERFORM payments.intend(v_store, r ->> 'intentId', r ->> 'orderId', r ->> 'provider', v_total, v_cart.currency);
  UPDATE checkout.attempt a SET amount_minor = v_total, currency = v_cart.currency
  WHERE a.store_id = v_store AND a.key = r ->> 'key' RETURNING a.* INTO v_attempt;
  RETURN jsonb_build_object('outcome', 'started', 'attempt', checkout.handle(v_attempt));
END $$;
