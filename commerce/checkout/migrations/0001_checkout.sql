CREATE SCHEMA checkout;

-- One row per idempotency key. in_progress (with the lease of the process that works on it) → done (with the answer
-- that every repetition gets). A checkout that ends without a storable answer deletes its row.
CREATE TABLE checkout.attempt (
  store_id        text        NOT NULL,
  key             text        NOT NULL,
  fingerprint     text        NOT NULL,
  status          text        NOT NULL DEFAULT 'in_progress' CHECK (status IN ('in_progress', 'done')),
  lease_until     timestamptz NOT NULL,
  cart_id         text        NOT NULL,
  order_id        text        NOT NULL,
  reservation_id  text        NOT NULL,
  intent_id       text        NOT NULL,
  provider        text        NOT NULL,
  -- What the intent is for; known when T1 has quoted the cart.
  amount_minor    bigint,
  currency        text,
  traceparent     text        NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT now(),
  finished_at     timestamptz,
  -- 201: the order; otherwise { code, … } of a refusal, which the API makes a problem of.
  response_status smallint,
  response_body   json,
  location        text,
  PRIMARY KEY (store_id, key)
) WITH (fillfactor = 80);
CREATE INDEX attempt_lost ON checkout.attempt (lease_until) WHERE status = 'in_progress';
CREATE INDEX attempt_old ON checkout.attempt (finished_at) WHERE status = 'done';

-- T1 of a group of checkouts, each with an answer of its own (service.ts tells the protocol). All locks are taken
-- first and in one order: keys, carts, levels; then the requests are served in the order they came.
-- p_requests: [{ storeId, key, fingerprint, cartId, orderId, reservationId, intentId, provider, traceparent, leaseMs,
-- holdMs, changed }] (model.ts, BeginRequest).
CREATE FUNCTION checkout.begin(p_requests jsonb) RETURNS TABLE (n bigint, result jsonb) LANGUAGE plpgsql AS $$
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

  FOR r IN SELECT e AS request, i FROM jsonb_array_elements(p_requests) WITH ORDINALITY AS t(e, i) ORDER BY i LOOP
    n := r.i;
    result := checkout.known(r.request);
    IF result IS NULL THEN result := checkout.start(r.request); END IF;
    RETURN NEXT;
  END LOOP;
END $$;

-- What a request gets whose key is in use or was used; NULL when the key is new, and so the request's own.
CREATE FUNCTION checkout.known(r jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  a checkout.attempt;
BEGIN
  SELECT * INTO a FROM checkout.attempt t WHERE t.store_id = r ->> 'storeId' AND t.key = r ->> 'key';
  IF a.order_id = r ->> 'orderId' THEN RETURN NULL; END IF;
  IF a.fingerprint <> r ->> 'fingerprint' THEN RETURN jsonb_build_object('outcome', 'key_reused'); END IF;
  IF a.status = 'done' THEN RETURN checkout.stored(a) || '{"replayed": true}'; END IF;
  IF a.key IS NULL OR a.lease_until > now() THEN RETURN jsonb_build_object('outcome', 'in_progress'); END IF;
  UPDATE checkout.attempt t SET lease_until = now() + (r ->> 'leaseMs')::integer * interval '1 millisecond'
  WHERE t.store_id = a.store_id AND t.key = a.key;
  RETURN jsonb_build_object('outcome', 'taken_over', 'attempt', checkout.handle(a));
END $$;

-- The stored answer. The body travels as text, so that its members keep their order.
CREATE FUNCTION checkout.stored(a checkout.attempt) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object('outcome', 'answered', 'status', a.response_status, 'body', a.response_body::text,
                            'location', a.location, 'traceparent', a.traceparent)
$$;

-- An attempt as the program carries it from T1 to T2.
CREATE FUNCTION checkout.handle(a checkout.attempt) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object('storeId', a.store_id, 'key', a.key, 'orderId', a.order_id, 'intentId', a.intent_id,
                            'provider', a.provider, 'traceparent', a.traceparent, 'amountMinor', a.amount_minor,
                            'currency', a.currency)
$$;

-- Cart, prices, stock, order and payment intent of a new request.
CREATE FUNCTION checkout.start(r jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_store text := r ->> 'storeId';
  v_cart record;
  v_lines jsonb;
  v_short jsonb;
  v_total bigint;
  v_refusal jsonb;
  v_attempt checkout.attempt;
BEGIN
  SELECT * INTO v_cart FROM carts.begin_checkout(v_store, r ->> 'cartId', r ->> 'orderId');
  IF v_cart.outcome <> 'claimed' THEN
    RETURN checkout.forget(r, jsonb_build_object('outcome', 'cart_' || v_cart.outcome, 'orderId', v_cart.order_id));
  END IF;

  SELECT jsonb_agg(jsonb_build_object('variantId', q.variant_id, 'productId', q.product_id, 'sku', q.sku, 'title', q.title,
                     'quantity', q.quantity, 'unitMinor', q.unit_minor) ORDER BY q.line_id),
         jsonb_agg(jsonb_build_object('variantId', q.variant_id, 'requested', q.quantity, 'available', 0) ORDER BY q.line_id)
           FILTER (WHERE NOT q.sellable),
         sum(q.total_minor)
  INTO v_lines, v_short, v_total
  FROM carts.quote(v_store, r ->> 'cartId') q;

  IF v_lines IS NULL THEN
    v_refusal := jsonb_build_object('outcome', 'cart_empty');
  ELSIF v_short IS NULL AND v_total IS DISTINCT FROM v_cart.shown_total_minor THEN
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
    FROM inventory.claim(v_store, r ->> 'reservationId', v_lines,
                         now() + (r ->> 'holdMs')::integer * interval '1 millisecond', r -> 'changed') s;
  END IF;
  IF v_short IS NOT NULL THEN
    PERFORM carts.reopen(v_store, r ->> 'cartId', r ->> 'orderId');
    RETURN checkout.answer(v_store, r ->> 'key', 409,
                           json_build_object('code', 'out_of_stock', 'lines', v_short), NULL);
  END IF;

  PERFORM orders.create_pending(r || jsonb_build_object('email', v_cart.email, 'currency', v_cart.currency,
                                'shippingAddress', v_cart.shipping_address), v_lines);
  PERFORM payments.intend(v_store, r ->> 'intentId', r ->> 'orderId', r ->> 'provider', v_total, v_cart.currency);
  UPDATE checkout.attempt a SET amount_minor = v_total, currency = v_cart.currency
  WHERE a.store_id = v_store AND a.key = r ->> 'key' RETURNING a.* INTO v_attempt;
  RETURN jsonb_build_object('outcome', 'started', 'attempt', checkout.handle(v_attempt));
END $$;

-- Ends an attempt with an answer that is not stored: its key is free again.
CREATE FUNCTION checkout.forget(r jsonb, p_result jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM checkout.attempt a WHERE a.store_id = r ->> 'storeId' AND a.key = r ->> 'key';
  RETURN p_result;
END $$;

-- Ends an attempt with the answer that every repetition gets.
CREATE FUNCTION checkout.answer(p_store text, p_key text, p_status integer, p_body json, p_location text)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_done checkout.attempt;
BEGIN
  UPDATE checkout.attempt a
  SET status = 'done', finished_at = now(), response_status = p_status, response_body = p_body, location = p_location
  WHERE a.store_id = p_store AND a.key = p_key
  RETURNING a.* INTO v_done;
  RETURN checkout.stored(v_done);
END $$;

-- The attempt of this order, locked; its status is NULL when it is gone (abandoned meanwhile).
CREATE FUNCTION checkout.locked(p_store text, p_key text, p_order text) RETURNS checkout.attempt LANGUAGE plpgsql AS $$
DECLARE
  a checkout.attempt;
BEGIN
  SELECT * INTO a FROM checkout.attempt t
  WHERE t.store_id = p_store AND t.key = p_key AND t.order_id = p_order FOR UPDATE;
  RETURN a;
END $$;

-- T2: the payment is authorised. outcome: answered (placed by this call, or settled before), lapsed (the stock is no
-- longer ours: nothing was changed) or gone.
CREATE FUNCTION checkout.place(p_store text, p_key text, p_order text, p_location text, p_rows jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  a checkout.attempt := checkout.locked(p_store, p_key, p_order);
BEGIN
  IF a.status IS NULL THEN RETURN jsonb_build_object('outcome', 'gone'); END IF;
  IF a.status = 'done' THEN RETURN checkout.stored(a); END IF;
  IF NOT inventory.confirm(p_store, a.reservation_id) THEN RETURN jsonb_build_object('outcome', 'lapsed'); END IF;
  IF NOT (orders.move(p_store, p_order, 'pending', 'placed', 'authorised')
          AND payments.move(p_store, a.intent_id, '{created}', 'authorised')
          AND carts.complete(p_store, a.cart_id, p_order)) THEN
    RAISE EXCEPTION 'checkout of %: order, intent and cart disagree', p_order;
  END IF;
  PERFORM bus.enqueue(p_rows);
  RETURN checkout.answer(p_store, p_key, 201, orders.document(p_store, p_order), p_location);
END $$;

-- The payment was declined: stock and cart are free again, the answer is stored. outcome: answered or gone.
CREATE FUNCTION checkout.decline(p_store text, p_key text, p_order text, p_changed jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  a checkout.attempt := checkout.locked(p_store, p_key, p_order);
BEGIN
  IF a.status IS NULL THEN RETURN jsonb_build_object('outcome', 'gone'); END IF;
  IF a.status = 'done' THEN RETURN checkout.stored(a); END IF;
  PERFORM carts.reopen(p_store, a.cart_id, p_order);
  PERFORM orders.move(p_store, p_order, 'pending', 'refused', 'declined');
  PERFORM payments.move(p_store, a.intent_id, '{created}', 'declined');
  PERFORM inventory.release(p_store, a.reservation_id, false, p_changed);
  RETURN checkout.answer(p_store, p_key, 402, json_build_object('code', 'payment_declined'), NULL);
END $$;

-- The checkout came to nothing (never paid, or paid after its stock had lapsed): all is undone, the key is free again,
-- and the intent is promised to be voided. False when it was settled or abandoned before.
CREATE FUNCTION checkout.abandon(p_store text, p_key text, p_order text, p_changed jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  a checkout.attempt := checkout.locked(p_store, p_key, p_order);
BEGIN
  IF a.status IS DISTINCT FROM 'in_progress' THEN RETURN false; END IF;
  PERFORM carts.reopen(p_store, a.cart_id, p_order);
  PERFORM orders.move(p_store, p_order, 'pending', 'refused', 'voided');
  PERFORM payments.move(p_store, a.intent_id, '{created,authorised}', 'voiding');
  PERFORM inventory.release(p_store, a.reservation_id, false, p_changed);
  DELETE FROM checkout.attempt t WHERE t.store_id = p_store AND t.key = p_key;
  RETURN true;
END $$;

-- Lets go of an attempt whose payment got no answer: after p_ms a retry or a sweep may take it over.
CREATE FUNCTION checkout.shorten_lease(p_store text, p_key text, p_order text, p_ms integer) RETURNS void LANGUAGE sql AS $$
  UPDATE checkout.attempt a SET lease_until = least(a.lease_until, now() + p_ms * interval '1 millisecond')
  WHERE a.store_id = p_store AND a.key = p_key AND a.order_id = p_order AND a.status = 'in_progress'
$$;

-- Takes over attempts whose lease ran out; any number of sweeps may run.
CREATE FUNCTION checkout.take_lost(p_limit integer, p_lease_ms integer) RETURNS SETOF jsonb LANGUAGE sql AS $$
  UPDATE checkout.attempt a SET lease_until = now() + p_lease_ms * interval '1 millisecond'
  FROM (SELECT t.store_id, t.key FROM checkout.attempt t
        WHERE t.status = 'in_progress' AND t.lease_until <= now()
        ORDER BY t.lease_until LIMIT p_limit FOR UPDATE SKIP LOCKED) lost
  WHERE a.store_id = lost.store_id AND a.key = lost.key
  RETURNING checkout.handle(a)
$$;

-- Answers are kept for 24 hours.
CREATE FUNCTION checkout.forget_old(p_limit integer) RETURNS bigint LANGUAGE sql AS $$
  WITH old AS (
    SELECT t.store_id, t.key FROM checkout.attempt t
    WHERE t.status = 'done' AND t.finished_at < now() - interval '24 hours'
    ORDER BY t.finished_at LIMIT p_limit FOR UPDATE SKIP LOCKED
  ), gone AS (
    DELETE FROM checkout.attempt a USING old WHERE a.store_id = old.store_id AND a.key = old.key RETURNING 1
  )
  SELECT count(*) FROM gone
$$;
