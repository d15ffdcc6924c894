-- T1 and T2 with the requests and their attempts as rows.
DROP FUNCTION checkout.start_orders(text[], text[], text[], text[], text[], text[], text[], integer[], jsonb);
DROP FUNCTION checkout.judged(text[], text[], integer[], text[], text[], bigint[], boolean[], bigint[], bigint[], text[], jsonb[], text[]);
DROP FUNCTION checkout.place_orders(text[], text[], text[], text, jsonb);

-- A request with its cart as it is quoted. result: what it is refused with.
CREATE TYPE checkout.wish AS (
  n bigint, store_id text, key text, cart_id text, order_id text, reservation_id text, intent_id text, provider text,
  expires_at timestamptz, email text, shipping_address jsonb, currency text, note text, shipping_method jsonb,
  tax_included boolean, subtotal bigint, discount bigint, shipping bigint, shipping_tax bigint, tax bigint, total bigint,
  result jsonb);

-- The part of T1 after the keys: carts, prices, stock, orders and intents of requests whose keys are theirs.
CREATE FUNCTION checkout.start_orders(p_stores text[], p_keys text[], p_carts text[], p_orders text[], p_reservations text[],
  p_intents text[], p_providers text[], p_holds integer[], p_changed jsonb)
RETURNS TABLE (n bigint, amount_minor bigint, currency text, result jsonb) LANGUAGE plpgsql AS $$
DECLARE
  v_go checkout.wish[];
  v_refused checkout.wish[];
  v_short jsonb;
  v_twice boolean := cardinality(p_carts) <> (SELECT count(DISTINCT c.id) FROM unnest(p_carts) AS c(id));
  q record;
BEGIN
  PERFORM carts.lock_carts(p_stores, p_carts);
  SELECT * INTO q FROM carts.priced(p_stores, p_carts);
  SELECT array_agg(d.wish) FILTER (WHERE d.result IS NULL), array_agg(d.wish) FILTER (WHERE d.result IS NOT NULL)
  INTO v_go, v_refused
  FROM (
    SELECT j.result, (w.n, w.store_id, w.key, w.cart_id, w.order_id, w.reservation_id, w.intent_id, w.provider,
                      now() + w.hold * interval '1 millisecond', c.email, c.shipping_address, c.currency, c.note,
                      c.shipping_method, c.tax_included, c.subtotal, c.discount, c.shipping, c.shipping_tax, c.tax, c.total,
                      j.result)::checkout.wish AS wish
    FROM unnest(p_stores, p_keys, p_carts, p_orders, p_reservations, p_intents, p_providers, p_holds) WITH ORDINALITY
         AS w(store_id, key, cart_id, order_id, reservation_id, intent_id, provider, hold, n)
    JOIN unnest(q.priced_carts) c ON c.n = w.n
    CROSS JOIN LATERAL (SELECT CASE
        WHEN c.status IS NULL THEN '{"outcome": "cart_missing"}'
        WHEN c.status = 'completed' THEN jsonb_build_object('outcome', 'cart_completed', 'orderId', c.order_id)
        WHEN c.status <> 'open' OR v_twice AND EXISTS (
          SELECT FROM unnest(p_stores, p_carts) WITH ORDINALITY AS e(store_id, cart_id, n)
          WHERE e.store_id = w.store_id AND e.cart_id = w.cart_id AND e.n < w.n) THEN '{"outcome": "cart_busy"}'
        WHEN c.line_count = 0 THEN '{"outcome": "cart_empty"}'
        WHEN NOT c.sellable THEN '{"outcome": "out_of_stock"}'
        WHEN c.total <> c.shown_total OR c.wanted_method IS NOT NULL AND c.shipping_method IS NULL
          THEN jsonb_build_object('outcome', 'price_changed', 'shownTotalMinor', c.shown_total, 'totalMinor', c.total,
                                  'currency', c.currency)
      END AS result) j
    ORDER BY w.n) d;

  IF v_go IS NOT NULL THEN
    SELECT jsonb_object_agg(c.n, c.short) INTO v_short FROM inventory.claim_orders(v_go, q.priced_lines, p_changed) c;
    IF v_short IS NOT NULL THEN
      v_refused := v_refused || ARRAY(SELECT w::checkout.wish FROM unnest(v_go) w WHERE v_short ? w.n::text);
      v_go := ARRAY(SELECT w::checkout.wish FROM unnest(v_go) w WHERE NOT v_short ? w.n::text);
    END IF;
  END IF;
  IF cardinality(v_go) > 0 THEN
    IF carts.begin_orders(v_go) <> cardinality(v_go) THEN
      RAISE EXCEPTION 'a cart of the group is no longer open under its lock';
    END IF;
    PERFORM orders.create_orders(v_go, q.priced_lines);
    PERFORM payments.intend_orders(v_go);
    RETURN QUERY SELECT w.n, w.total, w.currency, w.result FROM unnest(v_go) w;
  END IF;
  IF v_refused IS NULL THEN RETURN; END IF;

  -- One that is refused for want of stock has its answer; any other refusal frees its key.
  RETURN QUERY
    WITH refused AS MATERIALIZED (
      SELECT w.n, w.store_id, w.key, w.result,
             CASE WHEN w.result IS NULL THEN v_short -> w.n::text
                  WHEN w.result ->> 'outcome' = 'out_of_stock'
                    THEN (SELECT jsonb_agg(jsonb_build_object('variantId', l.variant_id, 'requested', l.quantity,
                                                              'available', 0) ORDER BY l.id)
                          FROM unnest(q.priced_lines) l WHERE l.n = w.n AND NOT l.sellable) END AS short
      FROM unnest(v_refused) w
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

-- T2 of a group whose payments are authorised, each named once. p_path: where orders are found, without their id; p_jobs:
-- { storeId: template of the jobs that follow from an order called '$order' }. outcome, of each by itself: answered (placed by
-- this call, or settled before), lapsed (the stock is no longer ours: nothing was changed) or gone.
CREATE FUNCTION checkout.place_orders(p_stores text[], p_keys text[], p_orders text[], p_path text, p_jobs jsonb)
RETURNS TABLE (order_id text, outcome text, status smallint, body text, location text, traceparent text) LANGUAGE plpgsql
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  v_open checkout.attempt[];
  v_alive text[];
  v_placed text[] := '{}';
  v_stores text[];
  v_store text;
BEGIN
  SELECT array_agg(a) INTO v_open
  FROM (SELECT a.* FROM unnest(p_stores, p_keys, p_orders) AS w(store_id, key, order_id)
        JOIN checkout.attempt a ON a.store_id = w.store_id AND a.key = w.key AND a.order_id = w.order_id
        ORDER BY a.store_id, a.key FOR UPDATE OF a) a
  WHERE a.status = 'in_progress';

  IF v_open IS NOT NULL THEN
    PERFORM carts.lock_orders(v_open);
    v_alive := ARRAY(SELECT c.reservation_id FROM inventory.confirm_orders(v_open) c);
    IF cardinality(v_alive) < cardinality(v_open) THEN
      v_open := ARRAY(SELECT a::checkout.attempt FROM unnest(v_open) a WHERE a.reservation_id = ANY (v_alive));
    END IF;
  END IF;
  IF cardinality(v_open) > 0 THEN
    SELECT array_agg(a.store_id), array_agg(a.order_id) INTO v_stores, v_placed FROM unnest(v_open) a;
    IF carts.complete_orders(v_open) <> cardinality(v_open) OR orders.place_orders(v_open) <> cardinality(v_open)
       OR payments.authorise_orders(v_open) <> cardinality(v_open) THEN
      RAISE EXCEPTION 'checkout of %: order, intent and cart disagree', v_placed;
    END IF;
    FOR v_store IN SELECT DISTINCT w.id FROM unnest(v_stores) AS w(id) LOOP
      PERFORM bus.enqueue_each(p_jobs -> v_store, '$order',
                               ARRAY(SELECT a.order_id FROM unnest(v_open) a WHERE a.store_id = v_store),
                               ARRAY(SELECT a.traceparent FROM unnest(v_open) a WHERE a.store_id = v_store));
    END LOOP;
    RETURN QUERY
      UPDATE checkout.attempt a
      SET status = 'done', finished_at = now(), response_status = 201, location = p_path || w.order_id,
          response_body = d.document
      FROM unnest(v_open) WITH ORDINALITY w
      JOIN orders.documents(v_stores, v_placed) d ON d.n = w.ordinality
      WHERE a.store_id = w.store_id AND a.key = w.key
      RETURNING a.order_id, 'answered', a.response_status, a.response_body::text, a.location, a.traceparent;
  END IF;
  IF cardinality(v_placed) = cardinality(p_orders) THEN RETURN; END IF;

  RETURN QUERY
    SELECT w.order_id, CASE WHEN a.key IS NULL THEN 'gone' WHEN a.status = 'done' THEN 'answered' ELSE 'lapsed' END,
           a.response_status, a.response_body::text, a.location, a.traceparent
    FROM unnest(p_stores, p_keys, p_orders) AS w(store_id, key, order_id)
    LEFT JOIN checkout.attempt a ON a.store_id = w.store_id AND a.key = w.key AND a.order_id = w.order_id
    WHERE w.order_id <> ALL (v_placed);
END $$;
