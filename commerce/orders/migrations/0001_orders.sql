CREATE SCHEMA orders;

-- The states of an order and the ways between them. A move that is not here does not happen.
CREATE TABLE orders.transition (
  from_status text NOT NULL,
  to_status   text NOT NULL,
  PRIMARY KEY (from_status, to_status)
);
INSERT INTO orders.transition (from_status, to_status) VALUES
  ('pending', 'placed'),      -- stock is reserved and the payment authorised
  ('pending', 'refused'),     -- declined, or the checkout lapsed
  ('placed',  'completed'),
  ('placed',  'cancelled');

CREATE TABLE orders.order (
  store_id          text        NOT NULL,
  id                text        NOT NULL,
  number            text        NOT NULL,
  status            text        NOT NULL DEFAULT 'pending'
                    CHECK (status IN ('pending', 'placed', 'completed', 'cancelled', 'refused')),
  payment_status    text        NOT NULL DEFAULT 'pending'
                    CHECK (payment_status IN ('pending', 'authorised', 'captured', 'declined', 'voided', 'refunded')),
  fulfilment_status text        NOT NULL DEFAULT 'unfulfilled'
                    CHECK (fulfilment_status IN ('unfulfilled', 'partial', 'fulfilled')),
  cart_id           text        NOT NULL,
  reservation_id    text        NOT NULL,
  intent_id         text        NOT NULL,
  email             text,
  shipping_address  jsonb,
  currency          text        NOT NULL,
  subtotal_minor    bigint      NOT NULL,
  discount_minor    bigint      NOT NULL DEFAULT 0,
  shipping_minor    bigint      NOT NULL DEFAULT 0,
  tax_minor         bigint      NOT NULL DEFAULT 0,
  total_minor       bigint      NOT NULL,
  created_at        timestamptz NOT NULL DEFAULT now(),
  placed_at         timestamptz,
  PRIMARY KEY (store_id, id),
  UNIQUE (store_id, number),
  CHECK (total_minor = subtotal_minor - discount_minor + shipping_minor + tax_minor AND total_minor >= 0)
) WITH (fillfactor = 85);

CREATE TABLE orders.line (
  store_id       text     NOT NULL,
  order_id       text     NOT NULL,
  position       smallint NOT NULL,
  variant_id     text     NOT NULL,
  product_id     text     NOT NULL,
  sku            text,
  title          text     NOT NULL,
  quantity       integer  NOT NULL CHECK (quantity > 0),
  unit_minor     bigint   NOT NULL CHECK (unit_minor >= 0),
  discount_minor bigint   NOT NULL DEFAULT 0 CHECK (discount_minor >= 0),
  total_minor    bigint   NOT NULL,
  PRIMARY KEY (store_id, order_id, position),
  CHECK (total_minor = unit_minor * quantity - discount_minor AND total_minor >= 0)
);

-- Eight letters and digits at random (40 bits): a number tells nothing of how many orders there are.
CREATE FUNCTION orders.random_number() RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT string_agg(substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', get_byte(r.bytes, i) % 32 + 1, 1), '' ORDER BY i)
  FROM (SELECT uuid_send(gen_random_uuid()) AS bytes) r, unnest(ARRAY[0, 1, 2, 3, 4, 5, 10, 11]) AS i
$$;

-- Writes a pending order. p_order: { storeId, orderId, cartId, reservationId, intentId, email, shippingAddress, currency };
-- p_lines: [{ variantId, productId, sku, title, quantity, unitMinor }] in order. Returns the total.
CREATE FUNCTION orders.create_pending(p_order jsonb, p_lines jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_total bigint;
BEGIN
  SELECT sum((e ->> 'unitMinor')::bigint * (e ->> 'quantity')::bigint) INTO v_total FROM jsonb_array_elements(p_lines) e;
  LOOP
    INSERT INTO orders.order (store_id, id, number, cart_id, reservation_id, intent_id, email, shipping_address, currency,
                              subtotal_minor, total_minor)
    VALUES (p_order ->> 'storeId', p_order ->> 'orderId', orders.random_number(), p_order ->> 'cartId',
            p_order ->> 'reservationId', p_order ->> 'intentId', p_order ->> 'email',
            nullif(p_order -> 'shippingAddress', 'null'), p_order ->> 'currency', v_total, v_total)
    ON CONFLICT (store_id, number) DO NOTHING;
    EXIT WHEN FOUND;
  END LOOP;
  INSERT INTO orders.line (store_id, order_id, position, variant_id, product_id, sku, title, quantity, unit_minor, total_minor)
  SELECT p_order ->> 'storeId', p_order ->> 'orderId', n, l."variantId", l."productId", l.sku, l.title, l.quantity,
         l."unitMinor", l."unitMinor" * l.quantity
  FROM ROWS FROM (jsonb_to_recordset(p_lines) AS ("variantId" text, "productId" text, sku text, title text,
                  quantity integer, "unitMinor" bigint)) WITH ORDINALITY
       AS l("variantId", "productId", sku, title, quantity, "unitMinor", n);
  RETURN v_total;
END $$;

-- Moves an order along orders.transition; false when it was not in p_from.
CREATE FUNCTION orders.move(p_store text, p_order text, p_from text, p_to text, p_payment text)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE orders.order o
  SET status = p_to, payment_status = coalesce(p_payment, o.payment_status),
      placed_at = CASE WHEN p_to = 'placed' THEN now() ELSE o.placed_at END
  WHERE o.store_id = p_store AND o.id = p_order AND o.status = p_from
    AND EXISTS (SELECT 1 FROM orders.transition t WHERE t.from_status = p_from AND t.to_status = p_to);
  RETURN FOUND;
END $$;

-- An order as the API shows it. Made here, once, so that the answer stored by checkout is what a GET gives.
CREATE FUNCTION orders.document(p_store text, p_order text) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_build_object(
    'id', o.id, 'number', o.number, 'status', o.status, 'paymentStatus', o.payment_status,
    'fulfilmentStatus', o.fulfilment_status, 'email', o.email, 'shippingAddress', o.shipping_address,
    'currency', o.currency,
    'lines', (SELECT json_agg(json_build_object(
        'variantId', l.variant_id, 'productId', l.product_id, 'sku', l.sku, 'title', l.title, 'quantity', l.quantity,
        'unitMinor', l.unit_minor, 'discountMinor', l.discount_minor, 'totalMinor', l.total_minor) ORDER BY l.position)
      FROM orders.line l WHERE l.store_id = o.store_id AND l.order_id = o.id),
    'subtotalMinor', o.subtotal_minor, 'discountMinor', o.discount_minor, 'shippingMinor', o.shipping_minor,
    'taxMinor', o.tax_minor, 'totalMinor', o.total_minor,
    'createdAt', to_char(o.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'placedAt', to_char(o.placed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
  FROM orders.order o WHERE o.store_id = p_store AND o.id = p_order
$$;
