-- What the buyer of a queued checkout pays with, from the queue to the payment; NULL again when the attempt is finished.
ALTER TABLE checkout.attempt ADD COLUMN pay_with text;

-- What becomes of one request of a group. result is set where it is refused.
CREATE TYPE checkout.decision AS (
  n bigint, store_id text, key text, cart_id text, order_id text, reservation_id text, intent_id text, provider text,
  traceparent text, expires_at timestamptz, changed jsonb, email text, shipping_address jsonb, quote_no bigint,
  currency text, total_minor bigint, result jsonb);

-- T1 of a group of checkouts, each with an answer of its own (service.ts tells the protocol), in a fixed number of
-- statements however large the group is. All locks are taken first and in one order: keys, carts, levels; then the
-- answers are those that serving the requests in the order they came would give. One exception: of two requests for one
-- cart only the first is tried, the other is told that the cart is busy.
-- p_requests: [{ n, storeId, key, fingerprint, cartId, orderId, reservationId, intentId, provider, traceparent, leaseMs,
-- holdMs, changed, payWith? }] (model.ts, BeginRequest). With payWith the answer to one who starts is the outcome alone. Tables here grow from nothing to millions between two ANALYZEs, and a plan
-- that was made for a small table and kept must not scan a large one: no sequential scans.
CREATE OR REPLACE FUNCTION checkout.begin(p_requests jsonb) RETURNS TABLE (n bigint, result jsonb) LANGUAGE plpgsql
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  v_own text[];
  v_new jsonb := p_requests;
  v_quotes jsonb[];
  v_all checkout.decision[];
  v_go checkout.decision[];
  v_short jsonb;
BEGIN
  WITH made AS (
    INSERT INTO checkout.attempt (store_id, key, fingerprint, lease_until, cart_id, order_id, reservation_id, intent_id,
                                  provider, traceparent, pay_with)
    SELECT q."storeId", q.key, q.fingerprint, now() + q."leaseMs" * interval '1 millisecond', q."cartId", q."orderId",
           q."reservationId", q."intentId", q.provider, q.traceparent, q."payWith"
    FROM jsonb_to_recordset(p_requests) AS q("storeId" text, key text, fingerprint text, "leaseMs" integer, "cartId" text,
         "orderId" text, "reservationId" text, "intentId" text, provider text, traceparent text, "payWith" text)
    ORDER BY q."storeId", q.key
    ON CONFLICT DO NOTHING
    RETURNING order_id)
  SELECT array_agg(m.order_id) INTO v_own FROM made m;

  -- Keys that were used before: few, and each by itself.
  IF coalesce(cardinality(v_own), 0) < jsonb_array_length(p_requests) THEN
    PERFORM 1 FROM checkout.attempt a
    JOIN (SELECT DISTINCT e ->> 'storeId' AS store_id, e ->> 'key' AS key FROM jsonb_array_elements(p_requests) e
          WHERE v_own IS NULL OR e ->> 'orderId' <> ALL (v_own)) w USING (store_id, key)
    ORDER BY a.store_id, a.key FOR UPDATE OF a;
    RETURN QUERY
      SELECT (t.e -> 'n')::bigint, checkout.known(t.e) FROM jsonb_array_elements(p_requests) AS t(e)
      WHERE v_own IS NULL OR t.e ->> 'orderId' <> ALL (v_own);
    IF v_own IS NULL THEN RETURN; END IF;
    SELECT jsonb_agg(e) INTO v_new FROM jsonb_array_elements(p_requests) e WHERE e ->> 'orderId' = ANY (v_own);
  END IF;

  PERFORM inventory.lock_levels(carts.lock(v_new));
  SELECT d.decisions, d.quotes INTO v_all, v_quotes FROM checkout.decide(v_new) d;

  SELECT array_agg(d ORDER BY d.n) INTO v_go FROM unnest(v_all) d WHERE d.result IS NULL;
  IF v_go IS NOT NULL THEN
    SELECT jsonb_object_agg(c.n, c.short) INTO v_short
    FROM (SELECT array_agg(d.n) AS n, array_agg(d.store_id) AS stores, array_agg(d.reservation_id) AS reservations,
                 array_agg(d.expires_at) AS expires, array_agg(l.variant_id) AS variants, array_agg(l.quantity) AS quantities
          FROM unnest(v_go) d JOIN checkout.lines_of(v_quotes) l ON l.no = d.quote_no) w
    CROSS JOIN LATERAL inventory.claim_group(w.n, w.stores, w.reservations, w.expires, w.variants, w.quantities,
      (SELECT jsonb_object_agg(t.store_id, t.changed)
       FROM (SELECT DISTINCT ON (d.store_id) d.store_id, d.changed FROM unnest(v_go) d) t)) c;
    IF v_short IS NOT NULL THEN v_go := ARRAY(SELECT d FROM unnest(v_go) d WHERE NOT v_short ? d.n::text); END IF;
    PERFORM checkout.open(v_go, v_quotes);
    RETURN QUERY
      UPDATE checkout.attempt a SET amount_minor = d.total_minor, currency = d.currency
      FROM unnest(v_go) d WHERE a.store_id = d.store_id AND a.key = d.key
      RETURNING d.n, CASE WHEN a.pay_with IS NULL
                          THEN jsonb_build_object('outcome', 'started', 'attempt', checkout.handle(a))
                          ELSE '{"outcome": "started"}' END;
    IF cardinality(v_go) = cardinality(v_all) THEN RETURN; END IF;
  END IF;

  -- Refusals that are not stored free their key; one for want of stock is the key's answer.
  DELETE FROM checkout.attempt a USING unnest(v_all) d
  WHERE a.store_id = d.store_id AND a.key = d.key AND d.result IS NOT NULL AND d.result ->> 'outcome' <> 'out_of_stock';
  RETURN QUERY
    SELECT d.n, d.result FROM unnest(v_all) d
    WHERE d.result IS NOT NULL AND d.result ->> 'outcome' <> 'out_of_stock';
  RETURN QUERY
    UPDATE checkout.attempt a
    SET status = 'done', finished_at = now(), response_status = 409,
        response_body = json_build_object('code', 'out_of_stock', 'lines', coalesce(d.result -> 'lines', v_short -> d.n::text))
    FROM unnest(v_all) d
    WHERE a.store_id = d.store_id AND a.key = d.key
      AND (d.result ->> 'outcome' = 'out_of_stock' OR v_short ? d.n::text)
    RETURNING d.n, checkout.stored(a);
END $$;

CREATE FUNCTION checkout.lines_of(p_quotes jsonb[]) RETURNS TABLE (no bigint, variant_id text, quantity bigint)
LANGUAGE sql IMMUTABLE AS $$
  SELECT t.no, l."variantId", l.quantity
  FROM unnest(p_quotes) WITH ORDINALITY AS t(quote, no)
  CROSS JOIN LATERAL jsonb_to_recordset(t.quote -> 'lines') AS l("variantId" text, quantity bigint)
$$;

-- Carts and prices of new requests, under their locks. A decision's result is NULL where stock decides. Carts of the same
-- terms are quoted once (in a queue for one product nearly all are); quote_no is the place of a cart's quote in quotes.
CREATE FUNCTION checkout.decide(p_requests jsonb, OUT decisions checkout.decision[], OUT quotes jsonb[])
LANGUAGE sql VOLATILE AS $$
  WITH request AS MATERIALIZED (
    SELECT r.*, row_number() OVER (ORDER BY r.n) AS i,
           row_number() OVER (PARTITION BY r."storeId", r."cartId" ORDER BY r.n) AS turn
    FROM jsonb_to_recordset(p_requests) AS r(n bigint, "storeId" text, key text, "cartId" text, "orderId" text,
         "reservationId" text, "intentId" text, provider text, traceparent text, "holdMs" integer, changed jsonb)
  ), cart AS MATERIALIZED (
    SELECT * FROM carts.states((SELECT array_agg(r."storeId" ORDER BY r.i) FROM request r),
                               (SELECT array_agg(r."cartId" ORDER BY r.i) FROM request r))
  ), sample AS MATERIALIZED (
    SELECT DISTINCT ON (c.terms) c.terms, r."storeId" AS store_id, r."cartId" AS cart_id
    FROM cart c JOIN request r ON r.i = c.n
  ), quote AS MATERIALIZED (
    SELECT row_number() OVER () AS no, s.terms, q.quote, q.quote ->> 'currency' AS currency,
           (q.quote -> 'totalMinor')::bigint AS total, q.quote -> 'lines' = '[]' AS empty,
           q.quote ->> 'wantedMethod' IS NOT NULL AND q.quote ->> 'shippingMethod' IS NULL AS unshippable, u.lines AS unsellable
    FROM carts.quotes((SELECT jsonb_agg(jsonb_build_object('storeId', s.store_id, 'cartId', s.cart_id)) FROM sample s)) q
    JOIN sample s ON s.store_id = q.store_id AND s.cart_id = q.cart_id
    CROSS JOIN LATERAL (
      SELECT jsonb_agg(jsonb_build_object('variantId', t.e -> 'variantId', 'requested', t.e -> 'quantity', 'available', 0)
                       ORDER BY t.k) AS lines
      FROM jsonb_array_elements(q.quote -> 'lines') WITH ORDINALITY AS t(e, k) WHERE NOT (t.e -> 'sellable')::boolean) u
  )
  SELECT array_agg((r.n, r."storeId", r.key, r."cartId", r."orderId", r."reservationId", r."intentId", r.provider,
           r.traceparent, now() + r."holdMs" * interval '1 millisecond', r.changed, c.email, c.shipping_address, q.no,
           q.currency, q.total,
           CASE
             WHEN c.status IS NULL THEN '{"outcome": "cart_missing"}'
             WHEN c.status = 'completed' THEN jsonb_build_object('outcome', 'cart_completed', 'orderId', c.order_id)
             WHEN c.status <> 'open' OR r.turn > 1 THEN '{"outcome": "cart_busy"}'
             WHEN q.empty THEN '{"outcome": "cart_empty"}'
             WHEN q.unsellable IS NOT NULL THEN jsonb_build_object('outcome', 'out_of_stock', 'lines', q.unsellable)
             WHEN q.total IS DISTINCT FROM c.shown_total_minor OR q.unshippable
               THEN jsonb_build_object('outcome', 'price_changed', 'shownTotalMinor', c.shown_total_minor,
                                       'totalMinor', q.total, 'currency', c.currency)
           END)::checkout.decision ORDER BY r.n), (SELECT array_agg(q.quote ORDER BY q.no) FROM quote q)
  FROM request r
  LEFT JOIN cart c ON c.n = r.i
  LEFT JOIN quote q ON q.terms = c.terms
$$;

-- Carts, orders and intents of the requests that got their stock.
CREATE FUNCTION checkout.open(p_go checkout.decision[], p_quotes jsonb[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_stores text[];
  v_orders text[];
  v_carts text[];
  v_intents text[];
  v_providers text[];
  v_totals bigint[];
  v_currencies text[];
BEGIN
  IF cardinality(p_go) = 0 THEN RETURN; END IF;
  SELECT array_agg(d.store_id), array_agg(d.order_id), array_agg(d.cart_id), array_agg(d.intent_id), array_agg(d.provider),
         array_agg(d.total_minor), array_agg(d.currency)
  INTO v_stores, v_orders, v_carts, v_intents, v_providers, v_totals, v_currencies FROM unnest(p_go) d;
  IF carts.begin_group(v_stores, v_carts, v_orders) <> cardinality(p_go) THEN
    RAISE EXCEPTION 'a cart of the group is no longer open under its lock';
  END IF;
  PERFORM orders.create_group((
    SELECT jsonb_agg(jsonb_build_object('storeId', d.store_id, 'orderId', d.order_id, 'cartId', d.cart_id,
             'reservationId', d.reservation_id, 'intentId', d.intent_id, 'email', d.email,
             'shippingAddress', d.shipping_address, 'quoteNo', d.quote_no))
    FROM unnest(p_go) d), p_quotes);
  PERFORM payments.intend_group(v_stores, v_intents, v_orders, v_providers, v_totals, v_currencies);
END $$;

-- T2 of a group whose payments are authorised. p_orders: [{ storeId, key, orderId, location }]; p_rows: { orderId: jobs that
-- follow }. outcome, of each by itself: answered (placed by this call, or settled before), lapsed (the stock is no longer ours: nothing was changed) or
-- gone.
CREATE FUNCTION checkout.place_group(p_orders jsonb, p_rows jsonb) RETURNS TABLE (n bigint, result jsonb) LANGUAGE plpgsql
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  v_open checkout.attempt[];
  v_alive text[];
  v_stores text[];
  v_orders text[];
  v_count bigint;
BEGIN
  PERFORM 1 FROM checkout.attempt a
  JOIN jsonb_to_recordset(p_orders) AS w("storeId" text, key text, "orderId" text)
    ON a.store_id = w."storeId" AND a.key = w.key AND a.order_id = w."orderId"
  ORDER BY a.store_id, a.key FOR UPDATE OF a;
  SELECT array_agg(a) INTO v_open
  FROM (SELECT DISTINCT w."storeId", w.key, w."orderId"
        FROM jsonb_to_recordset(p_orders) AS w("storeId" text, key text, "orderId" text)) w
  JOIN checkout.attempt a ON a.store_id = w."storeId" AND a.key = w.key AND a.order_id = w."orderId"
  WHERE a.status = 'in_progress';

  IF v_open IS NOT NULL THEN
    v_alive := ARRAY(SELECT * FROM inventory.confirm_group(ARRAY(SELECT a.store_id FROM unnest(v_open) a),
                                                           ARRAY(SELECT a.reservation_id FROM unnest(v_open) a)));
    v_open := ARRAY(SELECT a FROM unnest(v_open) a WHERE a.reservation_id = ANY (v_alive));
    v_count := cardinality(v_open);
  END IF;
  IF v_count > 0 THEN
    SELECT array_agg(a.store_id), array_agg(a.order_id) INTO v_stores, v_orders FROM unnest(v_open) a;
    IF carts.complete_group(v_stores, ARRAY(SELECT a.cart_id FROM unnest(v_open) a), v_orders) <> v_count
       OR orders.move_group(v_stores, v_orders, 'pending', 'placed', 'authorised') <> v_count
       OR payments.move_group(v_stores, ARRAY(SELECT a.intent_id FROM unnest(v_open) a), '{created}', 'authorised') <> v_count
    THEN
      RAISE EXCEPTION 'checkout of %: order, intent and cart disagree', v_orders;
    END IF;
    PERFORM bus.enqueue((
      SELECT jsonb_agg(r.e) FROM unnest(v_orders) AS o(id) CROSS JOIN LATERAL jsonb_array_elements(p_rows -> o.id) AS r(e)));
    UPDATE checkout.attempt a
    SET status = 'done', finished_at = now(), response_status = 201, location = w.location,
        response_body = orders.document(a.store_id, a.order_id)
    FROM jsonb_to_recordset(p_orders) AS w("storeId" text, key text, "orderId" text, location text)
    WHERE a.store_id = w."storeId" AND a.key = w.key AND a.order_id = w."orderId" AND a.order_id = ANY (v_orders);
  END IF;

  RETURN QUERY
    SELECT w.n, CASE WHEN a.key IS NULL THEN '{"outcome": "gone"}'
                     WHEN a.status = 'done' THEN checkout.stored(a)
                     ELSE '{"outcome": "lapsed"}' END
    FROM ROWS FROM (jsonb_to_recordset(p_orders) AS ("storeId" text, key text, "orderId" text)) WITH ORDINALITY
         AS w("storeId", key, "orderId", n)
    LEFT JOIN checkout.attempt a ON a.store_id = w."storeId" AND a.key = w.key AND a.order_id = w."orderId";
END $$;
