-- These as they were, but that attempts are found by their keys, of which the planner expects one (decision 183
-- tells why). What is `in_progress` has an index of its own, by leases, which was read whole for each group, with all in it that waited
-- for their payment: so it is not asked for by that name.
CREATE OR REPLACE FUNCTION checkout.place_orders(p_stores text[], p_keys text[], p_orders text[], p_path text, p_jobs jsonb)
RETURNS TABLE (order_id text, outcome text, status smallint, body text, location text, traceparent text) LANGUAGE plpgsql
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET cpu_tuple_cost = 1 SET cpu_index_tuple_cost = 1 SET jit = off AS $$
#variable_conflict use_column
DECLARE
  v_open checkout.attempt[];
  v_alive text[];
  v_placed text[] := '{}';
  v_stores text[];
  v_store text;
BEGIN
  SELECT array_agg(a) INTO v_open
  FROM (SELECT a.* FROM (SELECT * FROM unnest(p_stores, p_keys, p_orders) AS u(store_id, key, order_id)
                         LIMIT cardinality(p_orders)) w
        JOIN checkout.attempt a ON a.store_id = w.store_id AND a.key = w.key AND a.order_id = w.order_id
        ORDER BY a.store_id, a.key FOR UPDATE OF a) a
  WHERE a.status <> 'done';

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
      FROM (SELECT * FROM unnest(v_open) WITH ORDINALITY LIMIT cardinality(v_open)) w
      JOIN orders.documents(v_stores, v_placed) d ON d.n = w.ordinality
      WHERE a.store_id = w.store_id AND a.key = w.key
      RETURNING a.order_id, 'answered', a.response_status, a.response_body::text, a.location, a.traceparent;
  END IF;
  IF cardinality(v_placed) = cardinality(p_orders) THEN RETURN; END IF;

  RETURN QUERY
    SELECT w.order_id, CASE WHEN a.key IS NULL THEN 'gone' WHEN a.status = 'done' THEN 'answered' ELSE 'lapsed' END,
           a.response_status, a.response_body::text, a.location, a.traceparent
    FROM (SELECT * FROM unnest(p_stores, p_keys, p_orders) AS u(store_id, key, order_id) LIMIT cardinality(p_orders)) w
    LEFT JOIN checkout.attempt a ON a.store_id = w.store_id AND a.key = w.key AND a.order_id = w.order_id
    WHERE w.order_id <> ALL (v_placed);
END $$;

CREATE OR REPLACE FUNCTION checkout.flash_look(p_stores text[], p_keys text[], p_carts text[])
RETURNS TABLE (n bigint, attempt jsonb, stored jsonb, cart_status text, version bigint, lines text) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET cpu_tuple_cost = 1 SET cpu_index_tuple_cost = 1 SET jit = off AS $$
BEGIN
  RETURN QUERY
    SELECT w.n,
           CASE WHEN a.key IS NOT NULL THEN jsonb_build_object('orderId', a.order_id, 'fingerprint', a.fingerprint, 'status', a.status) END,
           CASE WHEN a.status = 'done' THEN checkout.stored(a) END, c.status, c.version, c.lines
    FROM (SELECT * FROM unnest(p_stores, p_keys, p_carts) WITH ORDINALITY AS u(store_id, key, cart_id, n)
          LIMIT cardinality(p_keys)) w
    LEFT JOIN checkout.attempt a ON a.store_id = w.store_id AND a.key = w.key
    LEFT JOIN carts.queueable(p_stores, p_carts) c ON c.n = w.n
    ORDER BY w.n;
END $$;

-- With rows this dear, reading a table of a few rows whole is no bargain either. (Their plans look so expensive that they would be
-- compiled: not worth it for a group.)
ALTER FUNCTION checkout.begin_orders(text[], text[], text[], text[], text[], text[], text[], text[], text[], integer[],
                                     integer[], jsonb)
  SET cpu_tuple_cost = 1 SET cpu_index_tuple_cost = 1 SET jit = off;
ALTER FUNCTION checkout.flash_batch(text, text[], text[], text[], bigint[], text[], text[], text[], text[], text[], text[],
                                    text[], text[], boolean, boolean, interval, interval, jsonb, jsonb)
  SET cpu_tuple_cost = 1 SET cpu_index_tuple_cost = 1 SET jit = off;
