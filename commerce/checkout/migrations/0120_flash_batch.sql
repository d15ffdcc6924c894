-- T1 of a batch from a lane of flash mode (flash/allocate.ts tells the protocol): what checkout.begin does for a group, in
-- a fixed number of statements over arrays that stand side by side, in the order of the stream; all of one store. What a
-- queue makes different: nobody waits for the answer, so only those who got nothing are told (an order `refused`, or a row of
-- checkout.flash_outcome), and what the payment needs (amount, intent) is left to the payment (checkout.flash_take).
-- Repeating a batch changes nothing. p_again: some of it may have been served before. p_hopeful: most will get their stock (a
-- guess, which decides how carts are locked). p_changed: as of inventory.announce. p_jobs: rows that follow for some twenty
-- orders together, made for an order called '$order'. Returns how many got their stock.
--
-- Locks in the order of all flows: keys, carts, levels. No sequential scans: see checkout.begin.
CREATE FUNCTION checkout.flash_batch(p_store text, p_keys text[], p_fingerprints text[], p_carts text[], p_versions bigint[],
                                     p_lines text[], p_orders text[], p_numbers text[], p_reservations text[],
                                     p_intents text[], p_providers text[], p_traces text[], p_pay_with text[],
                                     p_again boolean, p_hopeful boolean, p_lease interval, p_hold interval,
                                     p_changed jsonb, p_jobs jsonb) RETURNS bigint LANGUAGE plpgsql
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  v_new bigint[];
BEGIN
  IF NOT p_again THEN
    BEGIN
      INSERT INTO checkout.attempt (store_id, key, fingerprint, lease_until, cart_id, order_id, reservation_id, intent_id,
                                    provider, traceparent, pay_with)
      SELECT p_store, q.key, q.fingerprint, now() + p_lease, q.cart_id, q.order_id, q.reservation_id, q.intent_id,
             q.provider, q.traceparent, q.pay_with
      FROM unnest(p_keys, p_fingerprints, p_carts, p_orders, p_reservations, p_intents, p_providers, p_traces, p_pay_with)
           AS q(key, fingerprint, cart_id, order_id, reservation_id, intent_id, provider, traceparent, pay_with)
      ORDER BY q.key;
      v_new := '{}';
    EXCEPTION WHEN unique_violation THEN
      -- A key that was used before: below.
    END;
    IF v_new IS NOT NULL THEN
      RETURN checkout.flash_serve(p_store, p_keys, p_carts, p_versions, p_lines, p_orders, p_numbers, p_reservations,
                                  p_intents, p_traces, p_hopeful, p_hold, p_changed, p_jobs);
    END IF;
  END IF;

  -- Those that are the first of their key in the batch and were not answered before take their keys, one statement for all.
  WITH taken AS (
    INSERT INTO checkout.attempt (store_id, key, fingerprint, lease_until, cart_id, order_id, reservation_id, intent_id,
                                  provider, traceparent, pay_with)
    SELECT p_store, q.key, q.fingerprint, now() + p_lease, q.cart_id, q.order_id, q.reservation_id, q.intent_id,
           q.provider, q.traceparent, q.pay_with
    FROM (SELECT DISTINCT ON (u.key) u.*
          FROM unnest(p_keys, p_fingerprints, p_carts, p_orders, p_reservations, p_intents, p_providers, p_traces,
                      p_pay_with) WITH ORDINALITY
               AS u(key, fingerprint, cart_id, order_id, reservation_id, intent_id, provider, traceparent, pay_with, n)
          WHERE NOT EXISTS (SELECT FROM checkout.flash_outcome f WHERE f.store_id = p_store AND f.order_id = u.order_id)
          ORDER BY u.key, u.n) q
    ORDER BY q.key
    ON CONFLICT DO NOTHING
    RETURNING order_id)
  SELECT array_agg(u.n ORDER BY u.n) INTO v_new
  FROM unnest(p_orders) WITH ORDINALITY AS u(order_id, n) JOIN taken t ON t.order_id = u.order_id;

  -- The others are told whose key it is: the order of the first. Those that are that first themselves have their answer.
  INSERT INTO checkout.flash_outcome (store_id, order_id, code, same_as)
  SELECT p_store, u.order_id, CASE WHEN a.fingerprint = u.fingerprint THEN 'repeated' ELSE 'idempotency_key_reused' END,
         CASE WHEN a.fingerprint = u.fingerprint THEN a.order_id END
  FROM unnest(p_keys, p_orders, p_fingerprints) AS u(key, order_id, fingerprint)
  JOIN checkout.attempt a ON a.store_id = p_store AND a.key = u.key AND a.order_id <> u.order_id
  ON CONFLICT DO NOTHING;

  IF v_new IS NULL THEN RETURN 0; END IF;
  RETURN (
    SELECT checkout.flash_serve(p_store, array_agg(u.key ORDER BY u.n), array_agg(u.cart_id ORDER BY u.n),
             array_agg(u.version ORDER BY u.n), array_agg(u.lines ORDER BY u.n), array_agg(u.order_id ORDER BY u.n),
             array_agg(u.number ORDER BY u.n), array_agg(u.reservation_id ORDER BY u.n), array_agg(u.intent_id ORDER BY u.n),
             array_agg(u.traceparent ORDER BY u.n), p_hopeful, p_hold, p_changed, p_jobs)
    FROM unnest(p_keys, p_carts, p_versions, p_lines, p_orders, p_numbers, p_reservations, p_intents, p_traces)
         WITH ORDINALITY AS u(key, cart_id, version, lines, order_id, number, reservation_id, intent_id, traceparent, n)
    WHERE u.n = ANY (v_new));
END $$;

-- Carts, prices, stock and orders of those whose key is theirs.
CREATE FUNCTION checkout.flash_serve(p_store text, p_keys text[], p_carts text[], p_versions bigint[], p_lines text[],
                                     p_orders text[], p_numbers text[], p_reservations text[], p_intents text[],
                                     p_traces text[], p_hopeful boolean, p_hold interval, p_changed jsonb, p_jobs jsonb)
RETURNS bigint LANGUAGE plpgsql
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  d record;
  v_short jsonb;
BEGIN
  SELECT * INTO d FROM checkout.flash_decide(p_store, p_carts, p_versions, p_lines, p_orders, p_hopeful);

  SELECT jsonb_object_agg(c.n, c.short) INTO v_short
  FROM (SELECT array_agg(w.n ORDER BY w.n) AS n, array_agg(w.reservation_id ORDER BY w.n) AS reservations,
               array_agg(l.variant_id ORDER BY w.n) AS variants, array_agg(l.quantity ORDER BY w.n) AS quantities
        FROM unnest(p_reservations, d.quote_nos, d.results) WITH ORDINALITY AS w(reservation_id, quote_no, result, n)
        JOIN checkout.lines_of(d.quotes) l ON l.no = w.quote_no
        WHERE w.result IS NULL HAVING count(*) > 0) g
  CROSS JOIN LATERAL inventory.claim_queue(p_store, g.n, g.reservations, now() + p_hold, g.variants, g.quantities,
                                           p_changed) c;
  IF v_short IS NULL AND d.all_claimed AND num_nulls(VARIADIC d.results) = cardinality(p_orders) THEN
    -- Nobody is refused.
    PERFORM orders.create_queue(p_store, p_orders, p_numbers, p_carts, p_reservations, p_intents, d.emails, d.addresses,
                                d.quote_nos, array_fill(NULL::jsonb, ARRAY[cardinality(p_orders)]), d.quotes);
    PERFORM checkout.flash_enqueue(p_jobs, p_store, p_orders, p_traces);
    RETURN cardinality(p_orders);
  END IF;
  RETURN checkout.flash_sort(p_store, p_keys, p_carts, p_orders, p_numbers, p_reservations, p_intents, p_traces, p_jobs,
                             d.quotes, d.quote_nos, d.emails, d.addresses, d.results, d.claimed, coalesce(v_short, '{}'));
END $$;

-- The end of a batch of which some are refused, or have their cart still open.
CREATE FUNCTION checkout.flash_sort(p_store text, p_keys text[], p_carts text[], p_orders text[], p_numbers text[],
                                    p_reservations text[], p_intents text[], p_traces text[], p_jobs jsonb,
                                    p_quotes jsonb[], p_quote_nos bigint[], p_emails text[], p_addresses jsonb[],
                                    p_results jsonb[], p_claimed boolean[], p_short jsonb) RETURNS bigint LANGUAGE plpgsql
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  v_lines jsonb[];
  v_go record;
  v_row record;
BEGIN
  -- Lines that are short, of those who are refused for want of stock.
  v_lines := ARRAY(
    SELECT CASE WHEN r.result ->> 'outcome' = 'out_of_stock' THEN r.result -> 'lines' ELSE p_short -> r.n::text END
    FROM unnest(p_results) WITH ORDINALITY AS r(result, n) ORDER BY r.n);

  SELECT array_agg(w.order_id) FILTER (WHERE w.goes) AS orders, array_agg(w.trace) FILTER (WHERE w.goes) AS traces,
         array_agg(w.cart_id) FILTER (WHERE w.goes AND NOT w.claimed) AS open_carts,
         array_agg(w.order_id) FILTER (WHERE w.goes AND NOT w.claimed) AS open_orders,
         array_agg(w.cart_id) FILTER (WHERE w.claimed AND NOT w.goes) AS claimed_carts,
         array_agg(w.order_id) FILTER (WHERE w.claimed AND NOT w.goes) AS claimed_orders,
         count(*) FILTER (WHERE w.goes) AS count
  INTO v_go
  FROM (SELECT u.*, u.result IS NULL AND u.lines IS NULL AS goes
        FROM unnest(p_carts, p_orders, p_traces, p_results, v_lines, p_claimed)
             AS u(cart_id, order_id, trace, result, lines, claimed)) w;
  IF v_go.claimed_carts IS NOT NULL THEN
    PERFORM carts.reopen_group(p_store, v_go.claimed_carts, v_go.claimed_orders);
  END IF;
  IF v_go.open_carts IS NOT NULL AND carts.begin_group(array_fill(p_store, ARRAY[cardinality(v_go.open_carts)]),
       v_go.open_carts, v_go.open_orders) <> cardinality(v_go.open_carts) THEN
    RAISE EXCEPTION 'a cart of the batch is no longer open under its lock';
  END IF;
  IF v_go.count > 0 THEN PERFORM checkout.flash_enqueue(p_jobs, p_store, v_go.orders, v_go.traces); END IF;

  -- Pending ones and those refused for want of stock have a row for as long as orders are kept.
  SELECT array_agg(w.order_id) AS orders, array_agg(w.number) AS numbers, array_agg(w.cart_id) AS carts,
         array_agg(w.reservation_id) AS reservations, array_agg(w.intent_id) AS intents, array_agg(w.email) AS emails,
         array_agg(w.address) AS addresses, array_agg(w.quote_no) AS quote_nos,
         array_agg(CASE WHEN w.lines IS NOT NULL
                   THEN jsonb_build_object('paymentStatus', 'voided', 'code', 'out_of_stock', 'lines', w.lines) END) AS refusals
  INTO v_row
  FROM unnest(p_orders, p_numbers, p_carts, p_reservations, p_intents, p_emails, p_addresses, p_quote_nos, p_results, v_lines)
       AS w(order_id, number, cart_id, reservation_id, intent_id, email, address, quote_no, result, lines)
  WHERE w.result IS NULL OR w.lines IS NOT NULL;
  IF v_row.orders IS NOT NULL THEN
    PERFORM orders.create_queue(p_store, v_row.orders, v_row.numbers, v_row.carts, v_row.reservations, v_row.intents,
                                v_row.emails, v_row.addresses, v_row.quote_nos, v_row.refusals, p_quotes);
  END IF;

  -- For want of stock: the key's answer. Everything else frees the key, and is told by itself.
  UPDATE checkout.attempt a
  SET status = 'done', finished_at = now(), response_status = 409,
      response_body = json_build_object('code', 'out_of_stock', 'lines', w.lines)
  FROM unnest(p_keys, v_lines) AS w(key, lines)
  WHERE a.store_id = p_store AND a.key = w.key AND w.lines IS NOT NULL;
  DELETE FROM checkout.attempt a
  USING unnest(p_keys, p_results, v_lines) AS w(key, result, lines)
  WHERE a.store_id = p_store AND a.key = w.key AND w.result IS NOT NULL AND w.lines IS NULL;
  INSERT INTO checkout.flash_outcome (store_id, order_id, code, facts)
  SELECT p_store, w.order_id, w.result ->> 'outcome', w.result - 'outcome'
  FROM unnest(p_orders, p_results, v_lines) AS w(order_id, result, lines)
  WHERE w.result IS NOT NULL AND w.lines IS NULL
  ON CONFLICT DO NOTHING;
  RETURN v_go.count;
END $$;

-- The jobs of orders that got their stock: one for some twenty, under the trace of the first. (A row, a message and a ledger
-- entry for each would cost as much as the allocation itself.)
CREATE FUNCTION checkout.flash_enqueue(p_jobs jsonb, p_store text, p_orders text[], p_traces text[]) RETURNS void
LANGUAGE sql AS $$
  SELECT bus.enqueue(jsonb_agg(t.job || jsonb_build_object('id', uuidv7(), 'store_id', p_store, 'traceparent', p_traces[i],
           'key', replace(t.job ->> 'key', '$order', p_orders[i]),
           'payload', jsonb_set(t.job -> 'payload', '{orderIds}', to_jsonb(p_orders[i:i + 19])))))
  FROM generate_series(1, cardinality(p_orders), 20) AS i
  CROSS JOIN jsonb_array_elements(p_jobs) AS t(job)
$$;

-- Locks the carts and says what they and their prices are, each at its place; results: NULL where stock decides; claimed: the
-- cart is checking_out already. Carts of the same terms are quoted once (in a queue for one product nearly all are).
CREATE FUNCTION checkout.flash_decide(p_store text, p_carts text[], p_versions bigint[], p_lines text[], p_orders text[],
                                      p_hopeful boolean, OUT quotes jsonb[], OUT quote_nos bigint[], OUT emails text[],
                                      OUT addresses jsonb[], OUT results jsonb[], OUT claimed boolean[],
                                      OUT all_claimed boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  s record;
  c record;
BEGIN
  all_claimed := false;
  IF p_hopeful THEN
    SELECT array_agg(l.n) AS n, array_agg(l.terms ORDER BY l.n) AS terms, array_agg(l.shown_total_minor ORDER BY l.n) AS shown,
           array_agg(l.email ORDER BY l.n) AS emails, array_agg(l.shipping_address ORDER BY l.n) AS addresses
    INTO s
    FROM carts.claim_queue(p_store, p_carts, p_versions, p_lines, p_orders) l;
    all_claimed := coalesce(cardinality(s.n), 0) = cardinality(p_carts);
    claimed := CASE WHEN all_claimed THEN array_fill(true, ARRAY[cardinality(p_carts)])
                    ELSE ARRAY(SELECT coalesce(w.n = ANY (s.n), false) FROM generate_subscripts(p_carts, 1) AS w(n) ORDER BY w.n) END;
  ELSE
    claimed := array_fill(false, ARRAY[cardinality(p_carts)]);
  END IF;

  IF all_claimed THEN
    results := array_fill(NULL::jsonb, ARRAY[cardinality(p_carts)]);
  ELSE
    SELECT array_agg(l.terms ORDER BY r.n) AS terms, array_agg(l.shown_total_minor ORDER BY r.n) AS shown,
           array_agg(l.email ORDER BY r.n) AS emails, array_agg(l.shipping_address ORDER BY r.n) AS addresses,
           array_agg(CASE WHEN claimed[r.n] OR l.status = 'open' THEN NULL
                          WHEN l.status IS NULL THEN '{"outcome": "cart_missing"}'
                          WHEN l.status = 'completed' THEN jsonb_build_object('outcome', 'cart_completed', 'orderId', l.order_id)
                          ELSE '{"outcome": "cart_busy"}' END ORDER BY r.n) AS results,
           array_agg(r.n) FILTER (WHERE l.status IS NOT NULL AND l.terms IS NULL) AS changed
    INTO s
    FROM generate_subscripts(p_carts, 1) AS r(n)
    LEFT JOIN carts.lock_queue(p_store, p_carts,
                               ARRAY(SELECT w.version + claimed[w.n]::integer
                                     FROM unnest(p_versions) WITH ORDINALITY AS w(version, n) ORDER BY w.n), p_lines) l ON l.n = r.n;
    results := s.results;
    -- Carts that have changed since they queued are read under their lock.
    IF s.changed IS NOT NULL THEN
      FOR c IN SELECT k.n, k.terms FROM carts.states(array_fill(p_store, ARRAY[cardinality(p_carts)]), p_carts) k
               WHERE k.n = ANY (s.changed) LOOP
        s.terms[c.n] := c.terms;
      END LOOP;
    END IF;
  END IF;

  WITH cart AS MATERIALIZED (
    SELECT w.*, row_number() OVER (PARTITION BY w.cart_id ORDER BY w.n) > 1 AS again
    FROM unnest(p_carts, s.terms, s.shown, results) WITH ORDINALITY AS w(cart_id, terms, shown, result, n)
  ), sample AS MATERIALIZED (
    SELECT DISTINCT ON (k.terms) k.terms, k.cart_id FROM cart k WHERE k.result IS NULL
  ), quote AS MATERIALIZED (
    SELECT row_number() OVER () AS no, m.terms, q.quote, (q.quote -> 'totalMinor')::bigint AS total,
           q.quote -> 'currency' AS currency, q.quote -> 'lines' = '[]' AS empty,
           q.quote ->> 'wantedMethod' IS NOT NULL AND q.quote ->> 'shippingMethod' IS NULL AS unshippable, u.lines AS unsellable
    FROM carts.quotes((SELECT jsonb_agg(jsonb_build_object('storeId', p_store, 'cartId', m.cart_id)) FROM sample m)) q
    JOIN sample m ON m.cart_id = q.cart_id
    CROSS JOIN LATERAL (
      SELECT jsonb_agg(jsonb_build_object('variantId', t.e -> 'variantId', 'requested', t.e -> 'quantity', 'available', 0)
                       ORDER BY t.k) AS lines
      FROM jsonb_array_elements(q.quote -> 'lines') WITH ORDINALITY AS t(e, k) WHERE NOT (t.e -> 'sellable')::boolean) u
  )
  SELECT (SELECT array_agg(q.quote ORDER BY q.no) FROM quote q), array_agg(q.no ORDER BY k.n),
         array_agg(CASE
             WHEN k.result IS NOT NULL THEN k.result
             WHEN k.again THEN '{"outcome": "cart_busy"}'
             WHEN q.empty THEN '{"outcome": "cart_empty"}'
             WHEN q.unsellable IS NOT NULL THEN jsonb_build_object('outcome', 'out_of_stock', 'lines', q.unsellable)
             WHEN q.total IS DISTINCT FROM k.shown OR q.unshippable
               THEN jsonb_build_object('outcome', 'price_changed', 'shownTotalMinor', k.shown, 'totalMinor', q.total,
                                       'currency', q.currency)
           END ORDER BY k.n)
  INTO quotes, quote_nos, results
  FROM cart k LEFT JOIN quote q ON q.terms = k.terms AND k.result IS NULL;
  emails := s.emails;
  addresses := s.addresses;
END $$;

-- The attempt of an order that waits for its payment, its lease renewed; NULL when there is nothing to pay (any more). The
-- intent and its amount are written here: before the provider hears of it, and not before somebody pays.
CREATE OR REPLACE FUNCTION checkout.flash_take(p_store text, p_order text, p_lease_ms integer) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  a checkout.attempt;
BEGIN
  UPDATE checkout.attempt t
  SET lease_until = greatest(t.lease_until, now() + p_lease_ms * interval '1 millisecond'),
      amount_minor = coalesce(t.amount_minor, c.total_minor), currency = coalesce(t.currency, c.currency)
  FROM orders.charge(p_store, p_order) c
  WHERE t.store_id = p_store AND t.order_id = p_order AND t.status = 'in_progress'
  RETURNING t.* INTO a;
  IF a.key IS NULL THEN RETURN NULL; END IF;
  PERFORM payments.intend_once(p_store, a.intent_id, p_order, a.provider, a.amount_minor, a.currency);
  RETURN checkout.handle(a) || jsonb_build_object('payWith', a.pay_with);
END $$;

-- What became of an id that a queue gave, when it is no order that goes on: { code, facts, sameAs } or NULL.
CREATE OR REPLACE FUNCTION checkout.flash_outcome_of(p_store text, p_order text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('code', f.code, 'facts', f.facts, 'sameAs', f.same_as)
  FROM checkout.flash_outcome f WHERE f.store_id = p_store AND f.order_id = p_order
  UNION ALL
  SELECT jsonb_build_object('code', r.data ->> 'code', 'facts', r.data - '{code,paymentStatus}'::text[], 'sameAs', NULL)
  FROM orders.refusal(p_store, p_order) r(data) WHERE r.data ? 'code'
  LIMIT 1
$$;

DROP FUNCTION checkout.flash_begin(jsonb);
-- Told for as long as orders are.
DROP FUNCTION checkout.forget_outcomes(integer);
DROP INDEX checkout.flash_outcome_old;

-- What an API node must know before it queues checkouts; the arrays stand side by side. attempt: what the key was used for
-- before. version, lines: those of the cart.
DROP FUNCTION checkout.flash_look(jsonb);
CREATE FUNCTION checkout.flash_look(p_stores text[], p_keys text[], p_carts text[])
RETURNS TABLE (n bigint, attempt jsonb, stored jsonb, cart_status text, version bigint, lines text) LANGUAGE sql STABLE AS $$
  SELECT w.n,
         CASE WHEN a.key IS NOT NULL THEN jsonb_build_object('orderId', a.order_id, 'fingerprint', a.fingerprint, 'status', a.status) END,
         CASE WHEN a.status = 'done' THEN checkout.stored(a) END, c.status, c.version, c.lines
  FROM unnest(p_stores, p_keys, p_carts) WITH ORDINALITY AS w(store_id, key, cart_id, n)
  LEFT JOIN checkout.attempt a ON a.store_id = w.store_id AND a.key = w.key
  LEFT JOIN carts.queueable(p_stores, p_carts) c ON c.n = w.n
$$;
