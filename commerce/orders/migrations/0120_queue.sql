-- orders.create_group for a batch from a queue. The arrays stand side by side; p_quotes: quotes as carts.quotes gives them, of which
-- p_quote_nos names one for each order. p_refusals: NULL for a pending order, else why it is refused from the start: the
-- data of its event `order.refused`. p_numbers: numbers drawn at random.
CREATE FUNCTION orders.create_queue(p_store text, p_orders text[], p_numbers text[], p_carts text[], p_reservations text[], p_intents text[],
                                    p_emails text[], p_addresses jsonb[], p_quote_nos bigint[], p_refusals jsonb[],
                                    p_quotes jsonb[]) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  LOOP
    BEGIN
      WITH quote AS MATERIALIZED (
        SELECT t.no, q.currency, q.note, nullif(q."shippingMethod", 'null') AS shipping_method, q."taxIncluded" AS tax_included,
               q."subtotalMinor" AS subtotal, q."discountMinor" AS discount, q."shippingMinor" AS shipping,
               q."shippingTaxMinor" AS shipping_tax, q."taxMinor" AS tax, q."totalMinor" AS total
        FROM unnest(p_quotes) WITH ORDINALITY AS t(quote, no)
        CROSS JOIN LATERAL jsonb_to_record(t.quote) AS q(currency text, note text, "shippingMethod" jsonb,
               "taxIncluded" boolean, "subtotalMinor" bigint, "discountMinor" bigint, "shippingMinor" bigint,
               "shippingTaxMinor" bigint, "taxMinor" bigint, "totalMinor" bigint)
      )
      INSERT INTO orders.order (store_id, id, number, status, payment_status, cart_id, reservation_id, intent_id, email,
                                shipping_address, currency, note, shipping_method, tax_included, subtotal_minor,
                                discount_minor, shipping_minor, shipping_tax_minor, tax_minor, total_minor)
      SELECT p_store, w.id, w.number, CASE WHEN w.refusal IS NULL THEN 'pending' ELSE 'refused' END,
             CASE WHEN w.refusal IS NULL THEN 'pending' ELSE 'voided' END, w.cart_id, w.reservation_id, w.intent_id,
             w.email, w.address, q.currency, q.note, q.shipping_method, q.tax_included, q.subtotal, q.discount, q.shipping,
             q.shipping_tax, q.tax, q.total
      FROM unnest(p_orders, p_numbers, p_carts, p_reservations, p_intents, p_emails, p_addresses, p_quote_nos, p_refusals)
           AS w(id, number, cart_id, reservation_id, intent_id, email, address, quote_no, refusal)
      JOIN quote q ON q.no = w.quote_no;
      EXIT;
    EXCEPTION WHEN unique_violation THEN
      -- One of the numbers was taken (40 random bits each): all are drawn again. An order that is there is a fault.
      IF EXISTS (SELECT FROM orders.order o WHERE o.store_id = p_store AND o.id = ANY (p_orders)) THEN RAISE; END IF;
      p_numbers := ARRAY(SELECT orders.random_number() FROM generate_subscripts(p_orders, 1));
    END;
  END LOOP;

  WITH line AS MATERIALIZED (
    SELECT t.no, l.*
    FROM unnest(p_quotes) WITH ORDINALITY AS t(quote, no)
    CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(t.quote -> 'lines') AS ("variantId" text, "productId" text, sku text,
                 title text, quantity integer, "unitMinor" bigint, "discountMinor" bigint, "totalMinor" bigint,
                 "taxRatePpm" integer, "taxMinor" bigint, source text, sellable boolean)) WITH ORDINALITY
         AS l("variantId", "productId", sku, title, quantity, "unitMinor", "discountMinor", "totalMinor", "taxRatePpm",
              "taxMinor", source, sellable, position)
    -- What can no longer be sold counts nothing; who refuses an order for it says so in the refusal.
    WHERE l.sellable
  )
  INSERT INTO orders.line (store_id, order_id, position, variant_id, product_id, sku, title, quantity, unit_minor,
                           discount_minor, total_minor, tax_rate_ppm, tax_minor, price_source)
  SELECT p_store, w.id, l.position, l."variantId", l."productId", l.sku, l.title, l.quantity, l."unitMinor",
         l."discountMinor", l."totalMinor", l."taxRatePpm", l."taxMinor", l.source
  FROM unnest(p_orders, p_quote_nos) AS w(id, quote_no)
  JOIN line l ON l.no = w.quote_no;

  INSERT INTO orders.event (store_id, order_id, type, data)
  SELECT p_store, w.id, 'order.refused', w.refusal
  FROM unnest(p_orders, p_refusals) AS w(id, refusal) WHERE w.refusal IS NOT NULL;
END $$;

-- What an order costs, for the payment that comes later.
CREATE FUNCTION orders.charge(p_store text, p_order text) RETURNS TABLE (total_minor bigint, currency text)
LANGUAGE sql STABLE AS $$
  SELECT o.total_minor, o.currency FROM orders.order o WHERE o.store_id = p_store AND o.id = p_order
$$;

-- Why an order was refused, as its timeline tells it; NULL when it was not.
CREATE FUNCTION orders.refusal(p_store text, p_order text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT e.data FROM orders.event e
  WHERE e.store_id = p_store AND e.order_id = p_order AND e.type = 'order.refused' ORDER BY e.id LIMIT 1
$$;
