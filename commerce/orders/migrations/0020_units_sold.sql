-- What these orders sold, by product; orders that are not placed (any more) are absent.
CREATE FUNCTION orders.units_sold(p_store text, p_orders text[]) RETURNS TABLE (product_id text, units bigint)
LANGUAGE sql STABLE AS $$
  SELECT l.product_id, sum(l.quantity)::bigint
  FROM orders.order o
  JOIN orders.line l ON l.store_id = o.store_id AND l.order_id = o.id
  WHERE o.store_id = p_store AND o.id = ANY (p_orders) AND o.status IN ('placed', 'completed')
  GROUP BY l.product_id
$$;
