-- T1 and T2 of a group, in a dozen statements each (service.ts tells the protocol). What belongs to the requests travels as
-- arrays side by side, so that nothing is taken apart and put together again on the way from module to module.

-- What an intent is for stands in the intent; an attempt is written when it begins and when it ends.
CREATE OR REPLACE FUNCTION checkout.handle(a checkout.attempt) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('storeId', a.store_id, 'key', a.key, 'orderId', a.order_id, 'intentId', a.intent_id,
                            'provider', a.provider, 'traceparent', a.traceparent, 'amountMinor', i.amount_minor,
                            'currency', i.currency)
  FROM (SELECT 1) one LEFT JOIN LATERAL payments.amount_of(a.store_id, a.intent_id) i ON true
$$;

-- T1. All locks are taken first and in one order: keys, carts, levels; then the answers are those that serving the requests in
-- the order they came would give. One exception: of two requests for one cart only the first is tried, the other is told that
-- the cart is busy. p_changed: { storeId: what follows from a change of stock }. result: the answer of a request that is
-- refused or was here before; NULL: it has started, for this amount.
-- Tables here grow from nothing to millions between two ANALYZEs, and a plan that was made for a small table and kept must not
-- scan a large one: no sequential scans.
CREATE FUNCTION checkout.begin_orders(p_stores text[], p_keys text[], p_fingerprints text[], p_carts text[], p_orders text[],
  p_reservations text[], p_intents text[], p_providers text[], p_traces text[], p_leases integer[], p_holds integer[],
  p_changed jsonb)
RETURNS TABLE (n bigint, amount_minor bigint, currency text, result jsonb) LANGUAGE plpgsql
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  v_own text[];
BEGIN
  WITH made AS (
    INSERT INTO checkout.attempt (store_id, key, fingerprint, lease_until, cart_id, order_id, reservation_id, intent_id,
                                  provider, traceparent)
    SELECT w.store_id, w.key, w.fingerprint, now() + w.lease * interval '1 millisecond', w.cart_id, w.order_id,
           w.reservation_id, w.intent_id, w.provider, w.trace
    FROM unnest(p_stores, p_keys, p_fingerprints, p_leases, p_carts, p_orders, p_reservations, p_intents, p_providers,
                p_traces)
         AS w(store_id, key, fingerprint, lease, cart_id, order_id, reservation_id, intent_id, provider, trace)
    ORDER BY w.store_id, w.key
    ON CONFLICT DO NOTHING
    RETURNING order_id)
  SELECT array_agg(m.order_id) INTO v_own FROM made m;

  IF cardinality(v_own) = cardinality(p_keys) THEN
    RETURN QUERY SELECT * FROM checkout.start_orders(p_stores, p_keys, p_carts, p_orders, p_reservations, p_intents,
                                                     p_providers, p_holds, p_changed);
    RETURN;
  END IF;
  -- Keys that were used before: few, and each by itself.
  PERFORM 1 FROM checkout.attempt a
  JOIN (SELECT DISTINCT w.store_id, w.key FROM unnest(p_stores, p_keys, p_orders) AS w(store_id, key, order_id)
        WHERE v_own IS NULL OR w.order_id <> ALL (v_own)) w USING (store_id, key)
  ORDER BY a.store_id, a.key FOR UPDATE OF a;
  RETURN QUERY
    SELECT w.n, NULL::bigint, NULL::text,
           checkout.known(jsonb_build_object('storeId', w.store_id, 'key', w.key, 'fingerprint', w.fingerprint,
                                             'orderId', w.order_id, 'leaseMs', w.lease))
    FROM unnest(p_stores, p_keys, p_fingerprints, p_orders, p_leases) WITH ORDINALITY
         AS w(store_id, key, fingerprint, order_id, lease, n)
    WHERE v_own IS NULL OR w.order_id <> ALL (v_own);
  IF v_own IS NULL THEN RETURN; END IF;
  RETURN QUERY
    SELECT o.places[s.n], s.amount_minor, s.currency, s.result
    FROM (SELECT array_agg(w.n) AS places, array_agg(w.store_id) AS stores, array_agg(w.key) AS keys,
                 array_agg(w.cart_id) AS carts, array_agg(w.order_id) AS orders, array_agg(w.reservation_id) AS reservations,
                 array_agg(w.intent_id) AS intents, array_agg(w.provider) AS providers, array_agg(w.hold) AS holds
          FROM unnest(p_stores, p_keys, p_carts, p_orders, p_reservations, p_intents, p_providers, p_holds) WITH ORDINALITY
               AS w(store_id, key, cart_id, order_id, reservation_id, intent_id, provider, hold, n)
          WHERE w.order_id = ANY (v_own)) o
    CROSS JOIN LATERAL checkout.start_orders(o.stores, o.keys, o.carts, o.orders, o.reservations, o.intents, o.providers,
                                             o.holds, p_changed) s;
END $$;

-- The part of T1 after the keys: carts, prices, stock, orders and intents of requests whose keys are theirs.
CREATE FUNCTION checkout.start_orders(p_stores text[], p_keys text[], p_carts text[], p_orders text[], p_reservations text[],
  p_intents text[], p_providers text[], p_holds integer[], p_changed jsonb)
RETURNS TABLE (n bigint, amount_minor bigint, currency text, result jsonb) LANGUAGE plpgsql AS $$
DECLARE
  v_results jsonb[];
  v_expires timestamptz[];
  v_refused bigint;
  v_go bigint[];  -- the places of those that go on; NULL: all
  v_short jsonb;
  q record;
BEGIN
  PERFORM carts.lock_group(p_stores, p_carts);
  SELECT * INTO q FROM carts.quote_group(p_stores, p_carts);
  SELECT array_agg(d.result ORDER BY d.n), array_agg(d.expires_at ORDER BY d.n), count(d.result)
  INTO v_results, v_expires, v_refused
  FROM checkout.judged(p_stores, p_carts, p_holds, q.status, q.order_id, q.line_count, q.sellable, q.total, q.shown_total,
                       q.wanted_method, q.shipping_method, q.currency) d;
  IF v_refused > 0 THEN
    v_go := ARRAY(SELECT r.n FROM unnest(v_results) WITH ORDINALITY AS r(result, n) WHERE r.result IS NULL);
  END IF;

  IF v_refused < cardinality(p_keys) THEN
    SELECT jsonb_object_agg(c.n, c.short) INTO v_short
    FROM inventory.claim_orders(p_stores, p_reservations, v_expires, q.line_n, q.line_variant, q.line_quantity, v_go,
                                p_changed) c;
    IF v_short IS NOT NULL THEN
      v_go := ARRAY(SELECT r.n FROM unnest(v_results) WITH ORDINALITY AS r(result, n)
                    WHERE r.result IS NULL AND NOT v_short ? r.n::text);
    END IF;
  END IF;
  IF v_go IS NULL OR cardinality(v_go) > 0 THEN
    IF carts.begin_orders(p_stores, p_carts, p_orders, v_go) <> coalesce(cardinality(v_go), cardinality(p_keys)) THEN
      RAISE EXCEPTION 'a cart of the group is no longer open under its lock';
    END IF;
    PERFORM orders.create_orders(p_stores, p_orders, p_carts, p_reservations, p_intents, q.email, q.shipping_address,
      q.currency, q.note, q.shipping_method, q.tax_included, q.subtotal, q.discount, q.shipping, q.shipping_tax, q.tax,
      q.total, q.line_n, q.line_variant, q.line_product, q.line_sku, q.line_title, q.line_quantity, q.line_unit,
      q.line_discount, q.line_total, q.line_ppm, q.line_tax, q.line_source, v_go);
    PERFORM payments.intend_orders(p_stores, p_intents, p_orders, p_providers, q.total, q.currency, v_go);
    RETURN QUERY
      SELECT w.n, w.total, w.currency, NULL::jsonb
      FROM unnest(q.total, q.currency) WITH ORDINALITY AS w(total, currency, n)
      WHERE v_go IS NULL OR w.n = ANY (v_go);
  END IF;
  IF v_go IS NULL THEN RETURN; END IF;

  -- One that is refused for want of stock has its answer; any other refusal frees its key.
  RETURN QUERY
    WITH refused AS MATERIALIZED (
      SELECT w.n, w.store_id, w.key, w.result,
             CASE WHEN v_short ? w.n::text THEN v_short -> w.n::text
                  WHEN w.result ->> 'outcome' = 'out_of_stock'
                    THEN (SELECT jsonb_agg(jsonb_build_object('variantId', l.variant, 'requested', l.quantity, 'available', 0))
                          FROM unnest(q.line_n, q.line_variant, q.line_quantity, q.line_sellable)
                               AS l(n, variant, quantity, sellable)
                          WHERE l.n = w.n AND NOT l.sellable) END AS short
      FROM unnest(p_stores, p_keys, v_results) WITH ORDINALITY AS w(store_id, key, result, n) WHERE w.n <> ALL (v_go)
    ), freed AS (
      DELETE FROM checkout.attempt a USING refused r WHERE a.store_id = r.store_id AND a.key = r.key AND r.short IS NULL
    ), answered AS (
      UPDATE checkout.attempt a
      SET status = 'done', finished_at = now(), response_status = 409,
          response_body = json_build_object('code', 'out_of_stock', 'lines', r.short)
      FROM refused r WHERE a.store_id = r.store_id AND a.key = r.key AND r.short IS NOT NULL
      RETURNING r.n, checkout.stored(a) AS result
    )
    SELECT r.n, NULL::bigint, NULL::text, coalesce(a.result, r.result) FROM refused r LEFT JOIN answered a ON a.n = r.n;
END $$;

-- What becomes of requests by their carts: a refusal, or NULL where stock decides; and until when stock would be held.
CREATE FUNCTION checkout.judged(p_stores text[], p_carts text[], p_holds integer[], p_statuses text[], p_order_ids text[],
  p_lines bigint[], p_sellable boolean[], p_totals bigint[], p_shown bigint[], p_wanted text[], p_methods jsonb[],
  p_currencies text[])
RETURNS TABLE (n bigint, result jsonb, expires_at timestamptz) LANGUAGE sql STABLE AS $$
  SELECT c.n,
         CASE
           WHEN c.status IS NULL THEN '{"outcome": "cart_missing"}'
           WHEN c.status = 'completed' THEN jsonb_build_object('outcome', 'cart_completed', 'orderId', c.order_id)
           WHEN c.status <> 'open' OR c.turn > 1 THEN '{"outcome": "cart_busy"}'
           WHEN c.lines = 0 THEN '{"outcome": "cart_empty"}'
           WHEN NOT c.sellable THEN '{"outcome": "out_of_stock"}'
           WHEN c.total <> c.shown OR c.wanted IS NOT NULL AND c.method IS NULL
             THEN jsonb_build_object('outcome', 'price_changed', 'shownTotalMinor', c.shown, 'totalMinor', c.total,
                                     'currency', c.currency)
         END, now() + c.hold * interval '1 millisecond'
  FROM (SELECT w.*, row_number() OVER (PARTITION BY w.store_id, w.cart_id ORDER BY w.n) AS turn
        FROM unnest(p_stores, p_carts, p_holds, p_statuses, p_order_ids, p_lines, p_sellable, p_totals, p_shown, p_wanted,
                    p_methods, p_currencies) WITH ORDINALITY
             AS w(store_id, cart_id, hold, status, order_id, lines, sellable, total, shown, wanted, method, currency, n)) c
$$;

-- T2 of a group whose payments are authorised. p_path: where orders are found, without their id; p_jobs: { storeId: template of the jobs that follow from an order called
-- '$order' }. outcome, of each by itself: answered (placed by this call, or settled before), lapsed (the stock is no longer
-- ours: nothing was changed) or gone.
CREATE FUNCTION checkout.place_orders(p_stores text[], p_keys text[], p_orders text[], p_path text, p_jobs jsonb)
RETURNS TABLE (n bigint, outcome text, status smallint, body text, location text, traceparent text) LANGUAGE plpgsql
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  v_stores text[];
  v_keys text[];
  v_orders text[];
  v_carts text[];
  v_reservations text[];
  v_intents text[];
  v_traces text[];
  v_alive text[];
  v_store text;
BEGIN
  SELECT array_agg(a.store_id), array_agg(a.key), array_agg(a.order_id), array_agg(a.cart_id), array_agg(a.reservation_id),
         array_agg(a.intent_id), array_agg(a.traceparent)
  INTO v_stores, v_keys, v_orders, v_carts, v_reservations, v_intents, v_traces
  FROM (SELECT a.* FROM (SELECT DISTINCT w.store_id, w.key, w.order_id
                         FROM unnest(p_stores, p_keys, p_orders) AS w(store_id, key, order_id)) w
        JOIN checkout.attempt a ON a.store_id = w.store_id AND a.key = w.key AND a.order_id = w.order_id
        ORDER BY a.store_id, a.key FOR UPDATE OF a) a
  WHERE a.status = 'in_progress';

  IF v_orders IS NOT NULL THEN
    PERFORM carts.lock_group(v_stores, v_carts);
    v_alive := ARRAY(SELECT c.reservation_id FROM inventory.confirm_group(v_stores, v_reservations) c);
    IF cardinality(v_alive) < cardinality(v_orders) THEN
      SELECT array_agg(w.store_id), array_agg(w.key), array_agg(w.order_id), array_agg(w.cart_id), array_agg(w.intent_id),
             array_agg(w.trace)
      INTO v_stores, v_keys, v_orders, v_carts, v_intents, v_traces
      FROM unnest(v_stores, v_keys, v_orders, v_carts, v_reservations, v_intents, v_traces)
           AS w(store_id, key, order_id, cart_id, reservation_id, intent_id, trace)
      WHERE w.reservation_id = ANY (v_alive);
    END IF;
  END IF;
  IF v_orders IS NOT NULL THEN
    IF orders.move_group(v_stores, v_orders, 'pending', 'placed', 'authorised') <> cardinality(v_orders)
       OR carts.complete_orders(v_stores, v_carts, v_orders) <> cardinality(v_orders)
       OR payments.move_group(v_stores, v_intents, '{created}', 'authorised') <> cardinality(v_orders) THEN
      RAISE EXCEPTION 'checkout of %: order, intent and cart disagree', v_orders;
    END IF;
    FOR v_store IN SELECT DISTINCT w.id FROM unnest(v_stores) AS w(id) LOOP
      PERFORM bus.enqueue_each(p_jobs -> v_store, '$order',
                ARRAY(SELECT w.order_id FROM unnest(v_stores, v_orders) AS w(store_id, order_id) WHERE w.store_id = v_store),
                ARRAY(SELECT w.trace FROM unnest(v_stores, v_traces) AS w(store_id, trace) WHERE w.store_id = v_store));
    END LOOP;
    UPDATE checkout.attempt a
    SET status = 'done', finished_at = now(), response_status = 201, location = p_path || w.order_id, response_body = d.document
    FROM unnest(v_stores, v_keys, v_orders) WITH ORDINALITY AS w(store_id, key, order_id, n)
    JOIN orders.documents(v_stores, v_orders) d ON d.n = w.n
    WHERE a.store_id = w.store_id AND a.key = w.key;
  END IF;

  RETURN QUERY
    SELECT w.n, CASE WHEN a.key IS NULL THEN 'gone' WHEN a.status = 'done' THEN 'answered' ELSE 'lapsed' END,
           a.response_status, a.response_body::text, a.location, a.traceparent
    FROM unnest(p_stores, p_keys, p_orders) WITH ORDINALITY AS w(store_id, key, order_id, n)
    LEFT JOIN checkout.attempt a ON a.store_id = w.store_id AND a.key = w.key AND a.order_id = w.order_id;
END $$;
