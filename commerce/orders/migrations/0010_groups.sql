-- orders.create_pending for a group. p_orders: [{ storeId, orderId, cartId, reservationId, intentId, email,
-- shippingAddress, quoteNo }]; p_quotes: quotes as carts.quotes gives them, each for all orders that name its place.
CREATE FUNCTION orders.create_group(p_orders jsonb, p_quotes jsonb[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_missing jsonb := p_orders;
  v_made text[];
BEGIN
  -- A number that is taken is drawn again.
  LOOP
    WITH quote AS MATERIALIZED (
      SELECT t.no, q.*
      FROM unnest(p_quotes) WITH ORDINALITY AS t(quote, no)
      CROSS JOIN LATERAL jsonb_to_record(t.quote) AS q(currency text, note text, "shippingMethod" jsonb,
             "taxIncluded" boolean, "subtotalMinor" bigint, "discountMinor" bigint, "shippingMinor" bigint,
             "shippingTaxMinor" bigint, "taxMinor" bigint, "totalMinor" bigint)
    ), made AS (
      INSERT INTO orders.order (store_id, id, number, cart_id, reservation_id, intent_id, email, shipping_address, currency,
                                note, shipping_method, tax_included, subtotal_minor, discount_minor, shipping_minor,
                                shipping_tax_minor, tax_minor, total_minor)
      SELECT w."storeId", w."orderId", orders.random_number(), w."cartId", w."reservationId", w."intentId", w.email,
             nullif(w."shippingAddress", 'null'), q.currency, q.note, nullif(q."shippingMethod", 'null'), q."taxIncluded",
             q."subtotalMinor", q."discountMinor", q."shippingMinor", q."shippingTaxMinor", q."taxMinor", q."totalMinor"
      FROM jsonb_to_recordset(v_missing) AS w("storeId" text, "orderId" text, "cartId" text, "reservationId" text,
             "intentId" text, email text, "shippingAddress" jsonb, "quoteNo" bigint)
      JOIN quote q ON q.no = w."quoteNo"
      ON CONFLICT (store_id, number) DO NOTHING
      RETURNING id)
    SELECT array_agg(m.id) INTO v_made FROM made m;
    EXIT WHEN cardinality(v_made) = jsonb_array_length(v_missing);
    SELECT jsonb_agg(e) INTO v_missing FROM jsonb_array_elements(v_missing) e
    WHERE v_made IS NULL OR e ->> 'orderId' <> ALL (v_made);
  END LOOP;

  WITH line AS MATERIALIZED (
    SELECT t.no, l.*
    FROM unnest(p_quotes) WITH ORDINALITY AS t(quote, no)
    CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(t.quote -> 'lines') AS ("variantId" text, "productId" text, sku text,
                 title text, quantity integer, "unitMinor" bigint, "discountMinor" bigint, "totalMinor" bigint,
                 "taxRatePpm" integer, "taxMinor" bigint, source text)) WITH ORDINALITY
         AS l("variantId", "productId", sku, title, quantity, "unitMinor", "discountMinor", "totalMinor", "taxRatePpm",
              "taxMinor", source, position)
  )
  INSERT INTO orders.line (store_id, order_id, position, variant_id, product_id, sku, title, quantity, unit_minor,
                           discount_minor, total_minor, tax_rate_ppm, tax_minor, price_source)
  SELECT w."storeId", w."orderId", l.position, l."variantId", l."productId", l.sku, l.title, l.quantity, l."unitMinor",
         l."discountMinor", l."totalMinor", l."taxRatePpm", l."taxMinor", l.source
  FROM jsonb_to_recordset(p_orders) AS w("storeId" text, "orderId" text, "quoteNo" bigint)
  JOIN line l ON l.no = w."quoteNo";
END $$;

-- Eight letters and digits at random (40 bits), as before, and ten times as fast: each of the 64 signs of base64 stands for
-- one of 32, every one of those for two; six random bytes of the UUID make eight.
CREATE OR REPLACE FUNCTION orders.random_number() RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT translate(encode(substring(uuid_send(gen_random_uuid()) FROM 1 FOR 6), 'base64'),
                   'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
                   '0123456789ABCDEFGHJKMNPQRSTVWXYZ0123456789ABCDEFGHJKMNPQRSTVWXYZ')
$$;

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
