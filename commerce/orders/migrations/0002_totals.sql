-- tax_included: prices contain the tax, which is then told but not added. shipping_method: { id, name } as it was bought.
ALTER TABLE orders.order
  ADD COLUMN tax_included       boolean NOT NULL DEFAULT false,
  ADD COLUMN shipping_tax_minor bigint  NOT NULL DEFAULT 0,
  ADD COLUMN shipping_method    jsonb,
  ADD COLUMN note               text,
  DROP CONSTRAINT order_check,
  ADD CONSTRAINT order_totals CHECK (
    total_minor = subtotal_minor - discount_minor + shipping_minor + CASE WHEN tax_included THEN 0 ELSE tax_minor END
    AND total_minor >= 0 AND tax_minor >= shipping_tax_minor AND shipping_tax_minor >= 0);

-- price_source: the rule that gave the price: base, sale:<list>, override:<list>.
ALTER TABLE orders.line
  ADD COLUMN tax_rate_ppm integer NOT NULL DEFAULT 0,
  ADD COLUMN tax_minor    bigint  NOT NULL DEFAULT 0 CHECK (tax_minor >= 0),
  ADD COLUMN price_source text    NOT NULL DEFAULT 'base';

DROP FUNCTION orders.create_pending(jsonb, jsonb);

-- Writes a pending order. p_order: { storeId, orderId, cartId, reservationId, intentId, email, shippingAddress };
-- p_quote: what carts.quotes says of its cart.
CREATE FUNCTION orders.create_pending(p_order jsonb, p_quote jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  LOOP
    INSERT INTO orders.order (store_id, id, number, cart_id, reservation_id, intent_id, email, shipping_address, currency,
                              note, shipping_method, tax_included, subtotal_minor, discount_minor, shipping_minor,
                              shipping_tax_minor, tax_minor, total_minor)
    SELECT p_order ->> 'storeId', p_order ->> 'orderId', orders.random_number(), p_order ->> 'cartId',
           p_order ->> 'reservationId', p_order ->> 'intentId', p_order ->> 'email',
           nullif(p_order -> 'shippingAddress', 'null'), q.currency, q.note, nullif(q."shippingMethod", 'null'),
           q."taxIncluded", q."subtotalMinor", q."discountMinor", q."shippingMinor", q."shippingTaxMinor", q."taxMinor",
           q."totalMinor"
    FROM jsonb_to_record(p_quote) AS q(currency text, note text, "shippingMethod" jsonb, "taxIncluded" boolean,
         "subtotalMinor" bigint, "discountMinor" bigint, "shippingMinor" bigint, "shippingTaxMinor" bigint,
         "taxMinor" bigint, "totalMinor" bigint)
    ON CONFLICT (store_id, number) DO NOTHING;
    EXIT WHEN FOUND;
  END LOOP;
  INSERT INTO orders.line (store_id, order_id, position, variant_id, product_id, sku, title, quantity, unit_minor,
                           discount_minor, total_minor, tax_rate_ppm, tax_minor, price_source)
  SELECT p_order ->> 'storeId', p_order ->> 'orderId', n, l."variantId", l."productId", l.sku, l.title, l.quantity,
         l."unitMinor", l."discountMinor", l."totalMinor", l."taxRatePpm", l."taxMinor", l.source
  FROM ROWS FROM (jsonb_to_recordset(p_quote -> 'lines') AS ("variantId" text, "productId" text, sku text, title text,
                  quantity integer, "unitMinor" bigint, "discountMinor" bigint, "totalMinor" bigint,
                  "taxRatePpm" integer, "taxMinor" bigint, source text)) WITH ORDINALITY
       AS l("variantId", "productId", sku, title, quantity, "unitMinor", "discountMinor", "totalMinor", "taxRatePpm",
            "taxMinor", source, n);
END $$;

CREATE OR REPLACE FUNCTION orders.document(p_store text, p_order text) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_build_object(
    'id', o.id, 'number', o.number, 'status', o.status, 'paymentStatus', o.payment_status,
    'fulfilmentStatus', o.fulfilment_status, 'email', o.email, 'shippingAddress', o.shipping_address,
    'shippingMethod', o.shipping_method, 'note', o.note, 'currency', o.currency,
    'lines', (SELECT json_agg(json_build_object(
        'variantId', l.variant_id, 'productId', l.product_id, 'sku', l.sku, 'title', l.title, 'quantity', l.quantity,
        'unitMinor', l.unit_minor, 'source', l.price_source, 'discountMinor', l.discount_minor,
        'totalMinor', l.total_minor, 'taxRatePpm', l.tax_rate_ppm, 'taxMinor', l.tax_minor) ORDER BY l.position)
      FROM orders.line l WHERE l.store_id = o.store_id AND l.order_id = o.id),
    'subtotalMinor', o.subtotal_minor, 'discountMinor', o.discount_minor, 'shippingMinor', o.shipping_minor,
    'taxIncluded', o.tax_included, 'taxMinor', o.tax_minor, 'totalMinor', o.total_minor,
    'createdAt', to_char(o.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'placedAt', to_char(o.placed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
  FROM orders.order o WHERE o.store_id = p_store AND o.id = p_order
$$;
