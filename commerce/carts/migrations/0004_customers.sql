-- Whose cart it is; NULL for a guest's. The only index that knows it holds no column that a checkout writes, so that those
-- updates stay within their page.
ALTER TABLE carts.cart ADD COLUMN customer_id text;
CREATE INDEX cart_customer ON carts.cart (store_id, customer_id, id) WHERE customer_id IS NOT NULL;

-- The orders that a customer's carts have become, newest first, before the order p_before (NULL: from the newest).
CREATE FUNCTION carts.orders_of(p_store text, p_customer text, p_before text, p_limit integer)
RETURNS TABLE (order_id text) LANGUAGE sql STABLE AS $$
  SELECT c.order_id FROM carts.cart c
  WHERE c.store_id = p_store AND c.customer_id = p_customer AND c.status = 'completed'
    AND (p_before IS NULL OR c.order_id < p_before)
  ORDER BY c.order_id DESC LIMIT p_limit
$$;

-- Moves lines from one cart to another; both are locked by the caller. Quantities of a variant that stands in both are
-- added up, at most to p_max_quantity; lines beyond p_max_lines stay where they are. Nothing is left to move when it is
-- done a second time.
CREATE FUNCTION carts.move_lines(p_store text, p_from text, p_to text, p_max_quantity integer, p_max_lines integer)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  WITH added AS (
    UPDATE carts.line t SET quantity = least(t.quantity + g.quantity, p_max_quantity)
    FROM carts.line g
    WHERE g.store_id = p_store AND g.cart_id = p_from
      AND t.store_id = p_store AND t.cart_id = p_to AND t.variant_id = g.variant_id
    RETURNING g.id)
  DELETE FROM carts.line l USING added WHERE l.store_id = p_store AND l.cart_id = p_from AND l.id = added.id;

  UPDATE carts.line l SET cart_id = p_to
  WHERE l.store_id = p_store AND l.cart_id = p_from AND l.id IN (
    SELECT g.id FROM carts.line g WHERE g.store_id = p_store AND g.cart_id = p_from ORDER BY g.id
    LIMIT greatest(p_max_lines - (SELECT count(*) FROM carts.line t WHERE t.store_id = p_store AND t.cart_id = p_to), 0));
END $$;
