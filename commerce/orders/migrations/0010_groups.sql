-- orders.create_pending for a group. p_orders: [{ storeId, orderId, cartId, reservationId, intentId, email,
-- shippingAddress, quote }], the quote as carts.quotes gives it.
CREATE FUNCTION orders.create_group(p_orders jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_missing jsonb := p_orders;
BEGIN
  -- A number that is taken is drawn again.
  LOOP
    WITH wanted AS (
      SELECT o.*, q.*
      FROM jsonb_to_recordset(v_missing) AS o("storeId" text, "orderId" text, "cartId" text, "reservationId" text,
             "intentId" text, email text, "shippingAddress" jsonb, quote jsonb)
      CROSS JOIN LATERAL jsonb_to_record(o.quote) AS q(currency text, note text, "shippingMethod" jsonb,
             "taxIncluded" boolean, "subtotalMinor" bigint, "discountMinor" bigint, "shippingMinor" bigint,
             "shippingTaxMinor" bigint, "taxMinor" bigint, "totalMinor" bigint)
    ), made AS (
      INSERT INTO orders.order (store_id, id, number, cart_id, reservation_id, intent_id, email, shipping_address, currency,
                                note, shipping_method, tax_included, subtotal_minor, discount_minor, shipping_minor,
                                shipping_tax_minor, tax_minor, total_minor)
      SELECT w."storeId", w."orderId", orders.random_number(), w."cartId", w."reservationId", w."intentId", w.email,
             nullif(w."shippingAddress", 'null'), w.currency, w.note, nullif(w."shippingMethod", 'null'), w."taxIncluded",
             w."subtotalMinor", w."discountMinor", w."shippingMinor", w."shippingTaxMinor", w."taxMinor", w."totalMinor"
      FROM wanted w
      ON CONFLICT (store_id, number) DO NOTHING
      RETURNING id)
    SELECT jsonb_agg(e) INTO v_missing FROM jsonb_array_elements(v_missing) e
    WHERE NOT EXISTS (SELECT 1 FROM made m WHERE m.id = e ->> 'orderId');
    EXIT WHEN v_missing IS NULL;
  END LOOP;

  INSERT INTO orders.line (store_id, order_id, position, variant_id, product_id, sku, title, quantity, unit_minor,
                           discount_minor, total_minor, tax_rate_ppm, tax_minor, price_source)
  SELECT e ->> 'storeId', e ->> 'orderId', n, l."variantId", l."productId", l.sku, l.title, l.quantity,
         l."unitMinor", l."discountMinor", l."totalMinor", l."taxRatePpm", l."taxMinor", l.source
  FROM jsonb_array_elements(p_orders) e
  CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(e -> 'quote' -> 'lines') AS ("variantId" text, "productId" text, sku text,
               title text, quantity integer, "unitMinor" bigint, "discountMinor" bigint, "totalMinor" bigint,
               "taxRatePpm" integer, "taxMinor" bigint, source text)) WITH ORDINALITY
       AS l("variantId", "productId", sku, title, quantity, "unitMinor", "discountMinor", "totalMinor", "taxRatePpm",
            "taxMinor", source, n);
END $$;

-- orders.move for a group; how many were moved.
CREATE FUNCTION orders.move_group(p_stores text[], p_orders text[], p_from text, p_to text, p_payment text) RETURNS bigint
LANGUAGE sql AS $$
  WITH moved AS (
    UPDATE orders.order o
    SET status = p_to, payment_status = coalesce(p_payment, o.payment_status),
        placed_at = CASE WHEN p_to = 'placed' THEN now() ELSE o.placed_at END
    FROM unnest(p_stores, p_orders) AS w(store_id, id)
    WHERE o.store_id = w.store_id AND o.id = w.id AND o.status = p_from
      AND EXISTS (SELECT 1 FROM orders.transition t WHERE t.from_status = p_from AND t.to_status = p_to)
    RETURNING 1)
  SELECT count(*) FROM moved
$$;
