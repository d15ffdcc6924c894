-- What an API node must know before it queues checkouts, as before, by a plan that is made once in a session: making it anew
-- cost more than looking.
CREATE OR REPLACE FUNCTION checkout.flash_look(p_stores text[], p_keys text[], p_carts text[])
RETURNS TABLE (n bigint, attempt jsonb, stored jsonb, cart_status text, version bigint, lines text) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
    SELECT w.n,
           CASE WHEN a.key IS NOT NULL THEN jsonb_build_object('orderId', a.order_id, 'fingerprint', a.fingerprint, 'status', a.status) END,
           CASE WHEN a.status = 'done' THEN checkout.stored(a) END, c.status, c.version, c.lines
    FROM unnest(p_stores, p_keys, p_carts) WITH ORDINALITY AS w(store_id, key, cart_id, n)
    LEFT JOIN checkout.attempt a ON a.store_id = w.store_id AND a.key = w.key
    LEFT JOIN carts.queueable(p_stores, p_carts) c ON c.n = w.n
    ORDER BY w.n;
END $$;
