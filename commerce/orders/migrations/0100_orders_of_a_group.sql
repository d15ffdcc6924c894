-- Pending orders of a group, with their lines. Arrays side by side: one element an order; those called p_line_…: one element a
-- line, p_line_n the place of its order, in the order that an order's lines are to stand. p_go: the places of the orders to be
-- made; NULL: all.
CREATE FUNCTION orders.create_orders(
  p_stores text[], p_orders text[], p_carts text[], p_reservations text[], p_intents text[], p_emails text[],
  p_addresses jsonb[], p_currencies text[], p_notes text[], p_methods jsonb[], p_tax_included boolean[],
  p_subtotals bigint[], p_discounts bigint[], p_shipping bigint[], p_shipping_taxes bigint[], p_taxes bigint[],
  p_totals bigint[],
  p_line_n bigint[], p_line_variants text[], p_line_products text[], p_line_skus text[], p_line_titles text[],
  p_line_quantities integer[], p_line_units bigint[], p_line_discounts bigint[], p_line_totals bigint[],
  p_line_ppms integer[], p_line_taxes bigint[], p_line_sources text[], p_go bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_missing bigint[] := p_go;
  v_made text[];
  v_wanted bigint := coalesce(cardinality(p_go), cardinality(p_orders));
  v_done bigint := 0;
BEGIN
  -- A number that is taken is drawn again.
  LOOP
    WITH made AS (
      INSERT INTO orders.order (store_id, id, number, cart_id, reservation_id, intent_id, email, shipping_address, currency,
                                note, shipping_method, tax_included, subtotal_minor, discount_minor, shipping_minor,
                                shipping_tax_minor, tax_minor, total_minor)
      SELECT o.store_id, o.id, orders.random_number(), o.cart, o.reservation, o.intent, o.email, nullif(o.address, 'null'),
             o.currency, o.note, o.method, o.tax_included, o.subtotal, o.discount, o.shipping, o.shipping_tax, o.tax, o.total
      FROM unnest(p_stores, p_orders, p_carts, p_reservations, p_intents, p_emails, p_addresses, p_currencies, p_notes,
             p_methods, p_tax_included, p_subtotals, p_discounts, p_shipping, p_shipping_taxes, p_taxes, p_totals)
           WITH ORDINALITY AS o(store_id, id, cart, reservation, intent, email, address, currency, note, method,
             tax_included, subtotal, discount, shipping, shipping_tax, tax, total, n)
      WHERE v_missing IS NULL OR o.n = ANY (v_missing)
      ON CONFLICT (store_id, number) DO NOTHING
      RETURNING id)
    SELECT array_agg(m.id) INTO v_made FROM made m;
    v_done := v_done + coalesce(cardinality(v_made), 0);
    EXIT WHEN v_done = v_wanted;
    v_missing := ARRAY(SELECT o.n FROM unnest(p_orders) WITH ORDINALITY AS o(id, n)
                       WHERE (v_missing IS NULL OR o.n = ANY (v_missing)) AND o.id <> ALL (coalesce(v_made, '{}')));
  END LOOP;

  INSERT INTO orders.line (store_id, order_id, position, variant_id, product_id, sku, title, quantity, unit_minor,
                           discount_minor, total_minor, tax_rate_ppm, tax_minor, price_source)
  SELECT o.store_id, o.id, row_number() OVER (PARTITION BY l.n ORDER BY l.i), l.variant_id, l.product_id, l.sku, l.title,
         l.quantity, l.unit, l.discount, l.total, l.ppm, l.tax, l.source
  FROM unnest(p_line_n, p_line_variants, p_line_products, p_line_skus, p_line_titles, p_line_quantities, p_line_units,
         p_line_discounts, p_line_totals, p_line_ppms, p_line_taxes, p_line_sources) WITH ORDINALITY
       AS l(n, variant_id, product_id, sku, title, quantity, unit, discount, total, ppm, tax, source, i)
  JOIN unnest(p_stores, p_orders) WITH ORDINALITY AS o(store_id, id, n) ON o.n = l.n
  WHERE p_go IS NULL OR l.n = ANY (p_go);
END $$;

-- Orders as the API shows them, in the order asked for; those that there are not are absent. Made here, once, so that the answer
-- stored by checkout is what a GET gives. Columns become members by their names, which is half the work of json_build_object.
CREATE FUNCTION orders.documents(p_stores text[], p_orders text[]) RETURNS TABLE (n bigint, document json)
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
  FROM unnest(p_stores, p_orders) WITH ORDINALITY AS w(store_id, id, n)
  JOIN orders.order o ON o.store_id = w.store_id AND o.id = w.id
$$;
CREATE OR REPLACE FUNCTION orders.document(p_store text, p_order text) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT d.document FROM orders.documents(ARRAY[p_store], ARRAY[p_order]) d
$$;
