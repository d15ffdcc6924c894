-- As before, but that each row is looked up by its key, whatever the table was like when a session made its plans (decision 183).
-- Those are kept, and a table of forty rows is sooner read whole than looked into for each of a group. The planner expects ten
-- rows of an array that it does not know yet, and of those a tenth to pass a LIMIT that it does not know: one.

CREATE OR REPLACE FUNCTION orders.place_orders(p_orders anyarray) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
BEGIN
  UPDATE orders.order o SET status = 'placed', payment_status = 'authorised', placed_at = now()
  FROM (SELECT * FROM unnest(p_orders) LIMIT cardinality(p_orders)) w
  WHERE o.store_id = w.store_id AND o.id = w.order_id AND o.status = 'pending'
    AND EXISTS (SELECT 1 FROM orders.transition t WHERE t.from_status = 'pending' AND t.to_status = 'placed');
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

CREATE OR REPLACE FUNCTION orders.documents(p_stores text[], p_orders text[]) RETURNS TABLE (n bigint, document json)
LANGUAGE sql STABLE AS $$
  SELECT w.n, (SELECT row_to_json(d) FROM (SELECT
      o.id, o.number, o.status, o.payment_status AS "paymentStatus", o.fulfilment_status AS "fulfilmentStatus", o.email,
      o.shipping_address AS "shippingAddress", o.shipping_method AS "shippingMethod", o.note, o.currency,
      (SELECT json_agg(i) FROM (
         SELECT l.variant_id AS "variantId", l.product_id AS "productId", l.sku, l.title, l.quantity,
                l.unit_minor AS "unitMinor", l.price_source AS source, l.discount_minor AS "discountMinor",
                l.total_minor AS "totalMinor", l.tax_rate_ppm AS "taxRatePpm", l.tax_minor AS "taxMinor",
                l.fulfilled AS "fulfilledQuantity", l.refunded AS "refundedQuantity"
         FROM orders.line l WHERE l.store_id = o.store_id AND l.order_id = o.id ORDER BY l.position) i) AS lines,
      o.subtotal_minor AS "subtotalMinor", o.discount_minor AS "discountMinor", o.shipping_minor AS "shippingMinor",
      o.tax_included AS "taxIncluded", o.tax_minor AS "taxMinor", o.total_minor AS "totalMinor",
      o.refunded_minor AS "refundedMinor",
      CASE WHEN o.acted THEN orders.actions_of(o.store_id, o.id, 'fulfilment') ELSE '[]' END AS fulfilments,
      CASE WHEN o.acted THEN orders.actions_of(o.store_id, o.id, 'refund') ELSE '[]' END AS refunds,
      to_char(o.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "createdAt",
      to_char(o.placed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "placedAt",
      to_char(o.cancelled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "cancelledAt") d)
  FROM (SELECT * FROM unnest(p_stores, p_orders) WITH ORDINALITY AS u(store_id, id, n) LIMIT cardinality(p_orders)) w
  JOIN orders.order o ON o.store_id = w.store_id AND o.id = w.id
$$;
