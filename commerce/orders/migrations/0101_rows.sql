-- Orders of a group as rows.
DO $$
BEGIN
  EXECUTE (SELECT format('DROP FUNCTION %s', p.oid::regprocedure) FROM pg_proc p
           WHERE p.pronamespace = 'orders'::regnamespace AND p.proname = 'create_orders');
END $$;

-- Pending orders with their lines. p_orders: rows with n, store_id, order_id, cart_id, reservation_id, intent_id, email,
-- shipping_address, currency, note, shipping_method, tax_included, subtotal, discount, shipping, shipping_tax, tax, total;
-- p_lines: rows with n (of its order; those of others don't count), variant_id, product_id, sku, title, quantity, unit,
-- discount, total, ppm, tax, source, in the order that the lines of an order are to stand.
CREATE FUNCTION orders.create_orders(p_orders anyarray, p_lines anycompatiblearray) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_made text[];
  v_new text[];
BEGIN
  -- A number that is taken is drawn again.
  LOOP
    WITH made AS (
      INSERT INTO orders.order (store_id, id, number, cart_id, reservation_id, intent_id, email, shipping_address, currency,
                                note, shipping_method, tax_included, subtotal_minor, discount_minor, shipping_minor,
                                shipping_tax_minor, tax_minor, total_minor)
      SELECT o.store_id, o.order_id, orders.random_number(), o.cart_id, o.reservation_id, o.intent_id, o.email,
             nullif(o.shipping_address, 'null'), o.currency, o.note, o.shipping_method, o.tax_included, o.subtotal,
             o.discount, o.shipping, o.shipping_tax, o.tax, o.total
      FROM unnest(p_orders) o
      WHERE v_made IS NULL OR o.order_id <> ALL (v_made)
      ON CONFLICT (store_id, number) DO NOTHING
      RETURNING id)
    SELECT array_agg(m.id) INTO v_new FROM made m;
    v_made := v_made || v_new;
    EXIT WHEN cardinality(v_made) = cardinality(p_orders);
  END LOOP;

  INSERT INTO orders.line (store_id, order_id, position, variant_id, product_id, sku, title, quantity, unit_minor,
                           discount_minor, total_minor, tax_rate_ppm, tax_minor, price_source)
  SELECT o.store_id, o.order_id, row_number() OVER (PARTITION BY l.n ORDER BY l.ordinality), l.variant_id, l.product_id, l.sku,
         l.title, l.quantity, l.unit, l.discount, l.total, l.ppm, l.tax, l.source
  FROM unnest(p_lines) WITH ORDINALITY l
  JOIN unnest(p_orders) o ON o.n = l.n;
END $$;

-- pending → placed, paid by an authorisation; how many. p_orders: rows with store_id, order_id.
CREATE FUNCTION orders.place_orders(p_orders anyarray) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
BEGIN
  UPDATE orders.order o SET status = 'placed', payment_status = 'authorised', placed_at = now()
  FROM unnest(p_orders) w
  WHERE o.store_id = w.store_id AND o.id = w.order_id AND o.status = 'pending'
    AND EXISTS (SELECT 1 FROM orders.transition t WHERE t.from_status = 'pending' AND t.to_status = 'placed');
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;
