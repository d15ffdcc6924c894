-- Carts of a batch from a queue. The arrays stand side by side, n is the place in them; a cart may be named twice.

-- Locks the carts and says what they are; one that is missing has no row. p_versions, p_lines: what carts.queueable told of
-- each when it queued. terms are those of carts.states; NULL for a cart that has changed since, whose lines must be read.
CREATE FUNCTION carts.lock_queue(p_store text, p_carts text[], p_versions bigint[], p_lines text[])
RETURNS TABLE (n bigint, status text, order_id text, email text, shipping_address jsonb, shown_total_minor bigint, terms text)
LANGUAGE sql VOLATILE AS $$
  SELECT l.n, l.status, l.order_id, l.email, l.shipping_address, l.shown_total_minor,
         CASE WHEN l.version = l.known THEN
           concat_ws('|', l.store_id, l.currency, l.shipping_method_id, l.customer_id, l.shipping_address ->> 'country',
                     l.shipping_address ->> 'region', md5(l.note), l.lines) END
  FROM (SELECT w.n, w.known, w.lines, c.*
        FROM unnest(p_carts, p_versions, p_lines) WITH ORDINALITY AS w(id, known, lines, n)
        JOIN carts.cart c ON c.store_id = p_store AND c.id = w.id
        ORDER BY c.store_id, c.id FOR UPDATE OF c) l
$$;

-- The same for a batch that will most likely get what it wants: carts that are open and have not changed since they queued go
-- to checking_out at once (the first of two that are the same), which saves touching them twice; status is what they were.
-- The others have no row.
--
-- The update takes its rows in the order of the sort, by a nested loop. Should it ever not, two batches that share carts in
-- opposite orders are a deadlock, which Postgres ends and the caller repeats.
CREATE FUNCTION carts.claim_queue(p_store text, p_carts text[], p_versions bigint[], p_lines text[], p_orders text[])
RETURNS TABLE (n bigint, status text, order_id text, email text, shipping_address jsonb, shown_total_minor bigint, terms text)
LANGUAGE sql VOLATILE SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
  UPDATE carts.cart c
  SET status = 'checking_out', order_id = w.order_id, version = c.version + 1, updated_at = now()
  FROM (SELECT * FROM unnest(p_carts, p_versions, p_lines, p_orders) WITH ORDINALITY AS u(id, known, lines, order_id, n)
        ORDER BY u.id, u.n) w
  WHERE c.store_id = p_store AND c.id = w.id AND c.status = 'open' AND c.version = w.known
  RETURNING w.n, 'open', NULL::text, c.email, c.shipping_address, c.shown_total_minor,
            concat_ws('|', c.store_id, c.currency, c.shipping_method_id, c.customer_id, c.shipping_address ->> 'country',
                      c.shipping_address ->> 'region', md5(c.note), w.lines)
$$;

-- checking_out → open, each by its order. The caller holds the locks.
CREATE FUNCTION carts.reopen_group(p_store text, p_carts text[], p_orders text[]) RETURNS void LANGUAGE sql AS $$
  UPDATE carts.cart c SET status = 'open', order_id = NULL, version = c.version + 1, updated_at = now()
  FROM unnest(p_carts, p_orders) AS w(id, order_id)
  WHERE c.store_id = p_store AND c.id = w.id AND c.status = 'checking_out' AND c.order_id = w.order_id
$$;

-- What a queue must know of carts: with their version, by which a later reader sees whether it still holds.
-- lines: `variant:quantity`, in the order they were added.
CREATE FUNCTION carts.queueable(p_stores text[], p_carts text[])
RETURNS TABLE (n bigint, status text, version bigint, lines text) LANGUAGE sql STABLE AS $$
  SELECT w.n, c.status, c.version,
         (SELECT string_agg(l.variant_id || ':' || l.quantity, ',' ORDER BY l.id) FROM carts.line l
          WHERE l.store_id = c.store_id AND l.cart_id = c.id)
  FROM unnest(p_stores, p_carts) WITH ORDINALITY AS w(store_id, id, n)
  JOIN carts.cart c ON c.store_id = w.store_id AND c.id = w.id
$$;

-- A checkout changes its cart twice: room in the page keeps those updates within it.
ALTER TABLE carts.cart SET (fillfactor = 70);
