-- Flash mode (flash/index.ts tells it). What is switched on: a variant, or with '' the whole store.
CREATE TABLE checkout.flash_switch (
  store_id   text        NOT NULL,
  variant_id text        NOT NULL DEFAULT '',
  -- Who: the id of a key; 'load' when a node did.
  author     text        NOT NULL,
  at         timestamptz NOT NULL DEFAULT now(),
  -- Switched on by load: until then; by people: for good.
  until      timestamptz NOT NULL DEFAULT 'infinity',
  PRIMARY KEY (store_id, variant_id)
);

-- What became of a place in a queue that is no order: refused (code, and what goes with it), or a repetition whose key
-- had made another order before. Kept as long as answers are.
CREATE TABLE checkout.flash_outcome (
  store_id text        NOT NULL,
  order_id text        NOT NULL,
  code     text        NOT NULL,
  facts    jsonb       NOT NULL DEFAULT '{}',
  same_as  text,
  at       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, order_id)
);
CREATE INDEX flash_outcome_old ON checkout.flash_outcome (at);

CREATE INDEX attempt_order ON checkout.attempt (store_id, order_id);

-- What an API node must know before it queues checkouts: p_wanted: [{ storeId, key, cartId }]. attempt: what the key was
-- used for before; variants: those of the cart.
CREATE FUNCTION checkout.flash_look(p_wanted jsonb) RETURNS TABLE (n bigint, attempt jsonb, stored jsonb, cart_status text, variants text[])
LANGUAGE sql STABLE AS $$
  WITH wanted AS MATERIALIZED (
    SELECT w.* FROM ROWS FROM (jsonb_to_recordset(p_wanted) AS ("storeId" text, key text, "cartId" text)) WITH ORDINALITY
      AS w("storeId", key, "cartId", n)
  )
  SELECT w.n,
         CASE WHEN a.key IS NOT NULL THEN jsonb_build_object('orderId', a.order_id, 'fingerprint', a.fingerprint, 'status', a.status) END,
         CASE WHEN a.status = 'done' THEN checkout.stored(a) END, c.status, c.variants
  FROM wanted w
  LEFT JOIN checkout.attempt a ON a.store_id = w."storeId" AND a.key = w.key
  LEFT JOIN carts.contents((SELECT array_agg(w."storeId" ORDER BY w.n) FROM wanted w),
                           (SELECT array_agg(w."cartId" ORDER BY w.n) FROM wanted w)) c ON c.n = w.n
$$;

-- T1 of a batch from a lane: checkout.begin, and what goes with a queue: the jobs that follow, and word for those who are refused without a stored answer. Repeating a batch changes nothing.
-- p_requests: as of checkout.begin, with payWith, and { rows }: the jobs of one who gets an order.
CREATE FUNCTION checkout.flash_begin(p_requests jsonb) RETURNS TABLE (n bigint, result jsonb) LANGUAGE plpgsql AS $$
DECLARE
  v_begun jsonb;
BEGIN
  SELECT jsonb_agg(jsonb_build_object('n', b.n, 'result', b.result)) INTO v_begun FROM checkout.begin(p_requests) b;

  PERFORM bus.enqueue((
    SELECT jsonb_agg(j.e)
    FROM jsonb_to_recordset(v_begun) AS b(n bigint, result jsonb)
    JOIN ROWS FROM (jsonb_to_recordset(p_requests) AS (rows jsonb)) WITH ORDINALITY AS r(rows, n) ON r.n = b.n
    CROSS JOIN LATERAL jsonb_array_elements(r.rows) AS j(e)
    WHERE b.result ->> 'outcome' = 'started'
    HAVING count(*) > 0));

  INSERT INTO checkout.flash_outcome (store_id, order_id, code, facts, same_as)
  SELECT r."storeId", r."orderId",
         CASE WHEN a.key IS NOT NULL AND a.fingerprint = r.fingerprint THEN 'repeated'
              WHEN a.key IS NOT NULL THEN 'idempotency_key_reused'
              ELSE b.result ->> 'outcome' END,
         coalesce(b.result - 'outcome', '{}'), CASE WHEN a.fingerprint = r.fingerprint THEN a.order_id END
  FROM jsonb_to_recordset(v_begun) AS b(n bigint, result jsonb)
  JOIN ROWS FROM (jsonb_to_recordset(p_requests) AS ("storeId" text, key text, "orderId" text, fingerprint text))
       WITH ORDINALITY AS r("storeId", key, "orderId", fingerprint, n) ON r.n = b.n
  LEFT JOIN checkout.attempt a ON a.store_id = r."storeId" AND a.key = r.key
  WHERE a.order_id IS DISTINCT FROM r."orderId"
  ON CONFLICT DO NOTHING;

  RETURN QUERY SELECT b.n, b.result FROM jsonb_to_recordset(v_begun) AS b(n bigint, result jsonb);
END $$;

-- What became of an id that a queue gave, when there is no order of it: { code, facts, sameAs } or NULL.
CREATE FUNCTION checkout.flash_outcome_of(p_store text, p_order text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('code', f.code, 'facts', f.facts, 'sameAs', f.same_as)
  FROM checkout.flash_outcome f WHERE f.store_id = p_store AND f.order_id = p_order
  UNION ALL
  SELECT jsonb_build_object('code', a.response_body ->> 'code', 'facts', a.response_body::jsonb - 'code', 'sameAs', NULL)
  FROM checkout.attempt a
  WHERE a.store_id = p_store AND a.order_id = p_order AND a.status = 'done' AND a.response_status <> 201
  LIMIT 1
$$;

-- The attempt of an order that waits for its payment, its lease renewed; NULL when there is nothing to pay (any more).
CREATE FUNCTION checkout.flash_take(p_store text, p_order text, p_lease_ms integer) RETURNS jsonb LANGUAGE sql AS $$
  UPDATE checkout.attempt a SET lease_until = greatest(a.lease_until, now() + p_lease_ms * interval '1 millisecond')
  WHERE a.store_id = p_store AND a.order_id = p_order AND a.status = 'in_progress'
  RETURNING checkout.handle(a) || jsonb_build_object('payWith', a.pay_with)
$$;

-- How the buyer meant to pay is forgotten with the attempt's end.
CREATE FUNCTION checkout.forget_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.pay_with := NULL;
  RETURN NEW;
END $$;
CREATE TRIGGER attempt_forget_payment BEFORE UPDATE ON checkout.attempt FOR EACH ROW
WHEN (NEW.status = 'done' AND OLD.pay_with IS NOT NULL) EXECUTE FUNCTION checkout.forget_payment();

CREATE FUNCTION checkout.forget_outcomes(p_limit integer) RETURNS bigint LANGUAGE sql AS $$
  WITH gone AS (
    DELETE FROM checkout.flash_outcome f
    USING (SELECT o.store_id, o.order_id FROM checkout.flash_outcome o WHERE o.at < now() - interval '24 hours'
           ORDER BY o.at LIMIT p_limit FOR UPDATE SKIP LOCKED) old
    WHERE f.store_id = old.store_id AND f.order_id = old.order_id RETURNING 1)
  SELECT count(*) FROM gone
$$;
