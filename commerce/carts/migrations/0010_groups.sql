-- Carts of a group of checkouts. The arrays stand side by side; a cart may be named twice.

-- The carts as they are, under the lock that the caller took by carts.lock; n is their place. A cart that is missing has
-- no row. terms: everything that carts.quotes reads of a cart; carts of the same terms cost the same.
CREATE FUNCTION carts.states(p_stores text[], p_carts text[])
RETURNS TABLE (n bigint, status text, order_id text, currency text, email text, shipping_address jsonb,
               shown_total_minor bigint, terms text)
LANGUAGE sql STABLE AS $$
  SELECT w.n, c.status, c.order_id, c.currency, c.email, c.shipping_address, c.shown_total_minor,
         concat_ws('|', c.store_id, c.currency, c.shipping_method_id, c.customer_id, c.shipping_address ->> 'country',
                   c.shipping_address ->> 'region', md5(c.note),
                   (SELECT string_agg(l.variant_id || ':' || l.quantity, ',' ORDER BY l.id) FROM carts.line l
                    WHERE l.store_id = c.store_id AND l.cart_id = c.id))
  FROM unnest(p_stores, p_carts) WITH ORDINALITY AS w(store_id, id, n)
  JOIN carts.cart c ON c.store_id = w.store_id AND c.id = w.id
$$;

-- open → checking_out, each for its order; how many. The caller holds the locks.
CREATE FUNCTION carts.begin_group(p_stores text[], p_carts text[], p_orders text[]) RETURNS bigint LANGUAGE sql AS $$
  WITH claimed AS (
    UPDATE carts.cart c
    SET status = 'checking_out', order_id = w.order_id, version = c.version + 1, updated_at = now()
    FROM unnest(p_stores, p_carts, p_orders) AS w(store_id, id, order_id)
    WHERE c.store_id = w.store_id AND c.id = w.id AND c.status = 'open'
    RETURNING 1)
  SELECT count(*) FROM claimed
$$;

-- checking_out → completed, each by its order; how many. Locked first, in the order of all flows.
CREATE FUNCTION carts.complete_group(p_stores text[], p_carts text[], p_orders text[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
BEGIN
  PERFORM 1 FROM carts.cart c
  JOIN unnest(p_stores, p_carts) AS w(store_id, id) ON c.store_id = w.store_id AND c.id = w.id
  ORDER BY c.store_id, c.id FOR UPDATE OF c;
  UPDATE carts.cart c SET status = 'completed', version = c.version + 1, updated_at = now()
  FROM unnest(p_stores, p_carts, p_orders) AS w(store_id, id, order_id)
  WHERE c.store_id = w.store_id AND c.id = w.id AND c.status = 'checking_out' AND c.order_id = w.order_id;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

-- What lies in carts, for who must know before a checkout.
CREATE FUNCTION carts.contents(p_stores text[], p_carts text[]) RETURNS TABLE (n bigint, status text, variants text[])
LANGUAGE sql STABLE AS $$
  SELECT w.n, c.status,
         ARRAY(SELECT l.variant_id FROM carts.line l WHERE l.store_id = c.store_id AND l.cart_id = c.id ORDER BY l.variant_id)
  FROM unnest(p_stores, p_carts) WITH ORDINALITY AS w(store_id, id, n)
  JOIN carts.cart c ON c.store_id = w.store_id AND c.id = w.id
$$;
