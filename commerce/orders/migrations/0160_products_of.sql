-- The products of these orders, each once an order and at most p_most of an order; orders that are not placed (any more)
-- are absent.
CREATE FUNCTION orders.products_of(p_store text, p_orders text[], p_most integer)
RETURNS TABLE (order_id text, product_id text) LANGUAGE sql STABLE AS $$
  SELECT one.order_id, one.product_id
  FROM (SELECT l.order_id, l.product_id, row_number() OVER (PARTITION BY l.order_id ORDER BY min(l.position)) AS place
        FROM orders.order o
        JOIN orders.line l ON l.store_id = o.store_id AND l.order_id = o.id
        WHERE o.store_id = p_store AND o.id = ANY (p_orders) AND o.status IN ('placed', 'completed')
        GROUP BY l.order_id, l.product_id) one
  WHERE one.place <= p_most
$$;
