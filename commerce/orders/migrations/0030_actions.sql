-- What happens to an order after it was placed. commerce/orders/actions.ts tells the protocol.

-- The ways between the states of payment and fulfilment; orders.transition has those of the order itself.
CREATE TABLE orders.state_transition (
  machine    text NOT NULL CHECK (machine IN ('payment', 'fulfilment')),
  from_state text NOT NULL,
  to_state   text NOT NULL,
  PRIMARY KEY (machine, from_state, to_state)
);
INSERT INTO orders.state_transition (machine, from_state, to_state) VALUES
  ('payment', 'pending', 'authorised'),
  ('payment', 'pending', 'declined'),
  ('payment', 'pending', 'voided'),
  ('payment', 'authorised', 'captured'),            -- with the first fulfilment, or before a refund
  ('payment', 'authorised', 'voided'),              -- cancelled, or the authorisation no longer stood
  ('payment', 'captured', 'partially_refunded'),
  ('payment', 'captured', 'refunded'),
  ('payment', 'partially_refunded', 'refunded'),
  ('fulfilment', 'unfulfilled', 'partial'),
  ('fulfilment', 'unfulfilled', 'fulfilled'),
  ('fulfilment', 'partial', 'fulfilled');

ALTER TABLE orders.order
  DROP CONSTRAINT order_payment_status_check,
  ADD CONSTRAINT order_payment_status_check CHECK (payment_status IN
    ('pending', 'authorised', 'captured', 'declined', 'voided', 'partially_refunded', 'refunded')),
  -- Promised and done together, so that two at the same moment can't promise the same money.
  ADD COLUMN refunded_minor    bigint      NOT NULL DEFAULT 0,
  ADD COLUMN shipping_refunded boolean     NOT NULL DEFAULT false,
  ADD COLUMN cancelled_at      timestamptz,
  -- Whether orders.action has anything of it: most orders are read without looking.
  ADD COLUMN acted             boolean     NOT NULL DEFAULT false,
  ADD CONSTRAINT order_refunded CHECK (refunded_minor BETWEEN 0 AND total_minor);
CREATE INDEX order_email ON orders.order (store_id, email, id) WHERE email IS NOT NULL;

-- fulfilled: sent, or promised to be; refunded: paid back, or promised to be; withdrawn: those of them that were refunded
-- before they were sent, and never will be.
ALTER TABLE orders.line
  ADD COLUMN fulfilled integer NOT NULL DEFAULT 0,
  ADD COLUMN refunded  integer NOT NULL DEFAULT 0,
  ADD COLUMN withdrawn integer NOT NULL DEFAULT 0,
  ADD CONSTRAINT line_units CHECK (fulfilled >= 0 AND withdrawn >= 0 AND fulfilled + withdrawn <= quantity
                                   AND refunded BETWEEN withdrawn AND quantity);

-- requested → done | failed. A refund's id is also that of its payments.refund. key: the caller's Idempotency-Key.
CREATE TABLE orders.action (
  store_id         text        NOT NULL,
  id               text        NOT NULL,
  order_id         text        NOT NULL,
  kind             text        NOT NULL CHECK (kind IN ('cancel', 'refund', 'fulfilment')),
  status           text        NOT NULL DEFAULT 'requested' CHECK (status IN ('requested', 'done', 'failed')),
  key              text,
  fingerprint      text        NOT NULL,
  author           text        NOT NULL,
  reason           text,
  -- What goes back: goods + shipping + tax that is not contained in them + adjustment.
  amount_minor     bigint      NOT NULL DEFAULT 0 CHECK (amount_minor >= 0),
  goods_minor      bigint      NOT NULL DEFAULT 0,
  shipping_minor   bigint      NOT NULL DEFAULT 0,
  tax_minor        bigint      NOT NULL DEFAULT 0,
  adjustment_minor bigint      NOT NULL DEFAULT 0,
  tax_included     boolean     NOT NULL DEFAULT false,
  carrier          text,
  tracking_number  text,
  error            text,
  traceparent      text,
  created_at       timestamptz NOT NULL DEFAULT now(),
  tried_at         timestamptz NOT NULL DEFAULT now(),
  settled_at       timestamptz,
  PRIMARY KEY (store_id, id),
  FOREIGN KEY (store_id, order_id) REFERENCES orders.order (store_id, id),
  CHECK (amount_minor = goods_minor + shipping_minor + adjustment_minor + CASE WHEN tax_included THEN 0 ELSE tax_minor END)
);
CREATE UNIQUE INDEX action_key ON orders.action (store_id, key) WHERE key IS NOT NULL;
CREATE INDEX action_order ON orders.action (store_id, order_id, id);
CREATE INDEX action_open ON orders.action (tried_at) WHERE status = 'requested';

CREATE TABLE orders.action_line (
  store_id     text     NOT NULL,
  action_id    text     NOT NULL,
  position     smallint NOT NULL,
  variant_id   text     NOT NULL,
  quantity     integer  NOT NULL CHECK (quantity > 0),
  amount_minor bigint   NOT NULL DEFAULT 0,
  tax_minor    bigint   NOT NULL DEFAULT 0,
  withdrawn    integer  NOT NULL DEFAULT 0,
  restock      boolean  NOT NULL DEFAULT false,
  PRIMARY KEY (store_id, action_id, position),
  FOREIGN KEY (store_id, action_id) REFERENCES orders.action (store_id, id)
);

-- The timeline, written with what it tells. Creation and placement are told by the order's own times: the hot path
-- writes nothing here.
CREATE TABLE orders.event (
  store_id text        NOT NULL,
  order_id text        NOT NULL,
  id       uuid        NOT NULL DEFAULT uuidv7(),
  type     text        NOT NULL,
  data     jsonb       NOT NULL DEFAULT '{}',
  author   text,
  at       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, order_id, id)
);

CREATE FUNCTION orders.tell(p_store text, p_order text, p_type text, p_data jsonb, p_author text) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO orders.event (store_id, order_id, type, data, author) VALUES (p_store, p_order, p_type, p_data, p_author)
$$;

-- After an order was placed no state changes but along the tables, whatever a function does. (Before, orders.move and
-- move_group see to it.)
CREATE FUNCTION orders.check_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT (NEW.status = OLD.status
          OR EXISTS (SELECT 1 FROM orders.transition t WHERE t.from_status = OLD.status AND t.to_status = NEW.status))
     OR NOT (NEW.payment_status = OLD.payment_status
             OR EXISTS (SELECT 1 FROM orders.state_transition t WHERE t.machine = 'payment'
                        AND t.from_state = OLD.payment_status AND t.to_state = NEW.payment_status))
     OR NOT (NEW.fulfilment_status = OLD.fulfilment_status
             OR EXISTS (SELECT 1 FROM orders.state_transition t WHERE t.machine = 'fulfilment'
                        AND t.from_state = OLD.fulfilment_status AND t.to_state = NEW.fulfilment_status)) THEN
    RAISE EXCEPTION 'order %: no way from (%, %, %) to (%, %, %)', NEW.id, OLD.status, OLD.payment_status,
      OLD.fulfilment_status, NEW.status, NEW.payment_status, NEW.fulfilment_status;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER order_transition BEFORE UPDATE OF status, payment_status, fulfilment_status ON orders.order
FOR EACH ROW WHEN (OLD.status <> 'pending') EXECUTE FUNCTION orders.check_transition();

CREATE OR REPLACE FUNCTION orders.move(p_store text, p_order text, p_from text, p_to text, p_payment text)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE orders.order o
  SET status = p_to, payment_status = coalesce(p_payment, o.payment_status),
      placed_at = CASE WHEN p_to = 'placed' THEN now() ELSE o.placed_at END
  WHERE o.store_id = p_store AND o.id = p_order AND o.status = p_from
    AND EXISTS (SELECT 1 FROM orders.transition t WHERE t.from_status = p_from AND t.to_status = p_to);
  IF FOUND AND p_to = 'refused' THEN
    PERFORM orders.tell(p_store, p_order, 'order.refused', jsonb_build_object('paymentStatus', p_payment), NULL);
    RETURN true;
  END IF;
  RETURN FOUND;
END $$;

-- What was done to an order, as part of its document.
CREATE FUNCTION orders.actions_of(p_store text, p_order text, p_kind text) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT coalesce(json_agg(CASE p_kind
      WHEN 'fulfilment' THEN json_build_object('id', a.id, 'status', a.status, 'carrier', a.carrier,
        'trackingNumber', a.tracking_number, 'lines', i.lines, 'createdAt', a.at)
      ELSE json_build_object('id', a.id, 'status', a.status, 'amountMinor', a.amount_minor, 'goodsMinor', a.goods_minor,
        'shippingMinor', a.shipping_minor, 'taxMinor', a.tax_minor, 'adjustmentMinor', a.adjustment_minor,
        'lines', i.lines, 'createdAt', a.at) END ORDER BY a.id), '[]')
  FROM (SELECT x.*, to_char(x.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at
        FROM orders.action x WHERE x.store_id = p_store AND x.order_id = p_order
          AND CASE p_kind WHEN 'fulfilment' THEN x.kind = 'fulfilment'
                          ELSE x.kind = 'refund' OR x.kind = 'cancel' AND x.amount_minor > 0 END) a
  CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(CASE p_kind
        WHEN 'fulfilment' THEN json_build_object('variantId', l.variant_id, 'quantity', l.quantity)
        ELSE json_build_object('variantId', l.variant_id, 'quantity', l.quantity, 'amountMinor', l.amount_minor,
          'taxMinor', l.tax_minor, 'restock', l.restock) END ORDER BY l.position), '[]') AS lines
    FROM orders.action_line l WHERE l.store_id = p_store AND l.action_id = a.id) i
$$;

CREATE OR REPLACE FUNCTION orders.document(p_store text, p_order text) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_build_object(
    'id', o.id, 'number', o.number, 'status', o.status, 'paymentStatus', o.payment_status,
    'fulfilmentStatus', o.fulfilment_status, 'email', o.email, 'shippingAddress', o.shipping_address,
    'shippingMethod', o.shipping_method, 'note', o.note, 'currency', o.currency,
    'lines', (SELECT json_agg(json_build_object(
        'variantId', l.variant_id, 'productId', l.product_id, 'sku', l.sku, 'title', l.title, 'quantity', l.quantity,
        'unitMinor', l.unit_minor, 'source', l.price_source, 'discountMinor', l.discount_minor,
        'totalMinor', l.total_minor, 'taxRatePpm', l.tax_rate_ppm, 'taxMinor', l.tax_minor,
        'fulfilledQuantity', l.fulfilled, 'refundedQuantity', l.refunded) ORDER BY l.position)
      FROM orders.line l WHERE l.store_id = o.store_id AND l.order_id = o.id),
    'subtotalMinor', o.subtotal_minor, 'discountMinor', o.discount_minor, 'shippingMinor', o.shipping_minor,
    'taxIncluded', o.tax_included, 'taxMinor', o.tax_minor, 'totalMinor', o.total_minor,
    'refundedMinor', o.refunded_minor,
    'fulfilments', CASE WHEN o.acted THEN orders.actions_of(p_store, p_order, 'fulfilment') ELSE '[]' END,
    'refunds', CASE WHEN o.acted THEN orders.actions_of(p_store, p_order, 'refund') ELSE '[]' END,
    'createdAt', to_char(o.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'placedAt', to_char(o.placed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'cancelledAt', to_char(o.cancelled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
  FROM orders.order o WHERE o.store_id = p_store AND o.id = p_order
$$;
