-- draft → in_transit → received; draft | in_transit → cancelled. Shipping takes the units off the source's on_hand and
-- makes them the target's incoming; receiving makes them its on_hand; cancelling on the way gives them back.
CREATE TABLE inventory.transfer (
  store_id      text        NOT NULL,
  id            text        NOT NULL,
  from_location text        NOT NULL,
  to_location   text        NOT NULL,
  status        text        NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'in_transit', 'received', 'cancelled')),
  note          text,
  author        text        NOT NULL,
  version       bigint      NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now(),
  shipped_at    timestamptz,
  settled_at    timestamptz,
  PRIMARY KEY (store_id, id),
  FOREIGN KEY (store_id, from_location) REFERENCES inventory.location (store_id, id),
  FOREIGN KEY (store_id, to_location) REFERENCES inventory.location (store_id, id),
  CHECK (from_location <> to_location)
);
CREATE INDEX transfer_open_from ON inventory.transfer (store_id, from_location) WHERE status IN ('draft', 'in_transit');
CREATE INDEX transfer_open_to ON inventory.transfer (store_id, to_location) WHERE status IN ('draft', 'in_transit');

CREATE TABLE inventory.transfer_line (
  store_id    text   NOT NULL,
  transfer_id text   NOT NULL,
  variant_id  text   NOT NULL,
  product_id  text   NOT NULL,
  quantity    bigint NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (store_id, transfer_id, variant_id),
  FOREIGN KEY (store_id, transfer_id) REFERENCES inventory.transfer (store_id, id) ON DELETE CASCADE
);

-- One step of a transfer, once. p_version NULL: whatever it is. outcome: moved, repeated (it is there already), missing,
-- stale, wrong_state, inactive_location, insufficient (with the lines that are short; nothing was changed).
-- Locks: transfer, locations, levels.
CREATE FUNCTION inventory.move_transfer(p_store text, p_transfer text, p_to text, p_version bigint, p_author text,
                                        p_changed jsonb DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  t inventory.transfer;
  v_short jsonb;
BEGIN
  SELECT * INTO t FROM inventory.transfer f WHERE f.store_id = p_store AND f.id = p_transfer FOR UPDATE;
  IF t.id IS NULL THEN RETURN '{"outcome": "missing"}'; END IF;
  IF t.status = p_to THEN RETURN '{"outcome": "repeated"}'; END IF;
  IF t.version <> p_version THEN RETURN '{"outcome": "stale"}'; END IF;
  IF (t.status, p_to) NOT IN (('draft', 'in_transit'), ('in_transit', 'received'), ('draft', 'cancelled'),
                              ('in_transit', 'cancelled')) THEN
    RETURN jsonb_build_object('outcome', 'wrong_state', 'status', t.status);
  END IF;

  PERFORM 1 FROM inventory.location o
  WHERE o.store_id = p_store AND o.id IN (t.from_location, t.to_location) ORDER BY o.id FOR SHARE;
  IF p_to = 'in_transit' THEN
    IF EXISTS (SELECT 1 FROM inventory.location o
               WHERE o.store_id = p_store AND o.id IN (t.from_location, t.to_location) AND NOT o.active) THEN
      RETURN '{"outcome": "inactive_location"}';
    END IF;
    v_short := inventory.short_for(t);
    IF v_short IS NOT NULL THEN RETURN jsonb_build_object('outcome', 'insufficient', 'lines', v_short); END IF;
  END IF;
  IF t.status = 'in_transit' OR p_to = 'in_transit' THEN
    PERFORM inventory.shift(p_store, inventory.transfer_changes(t, p_to), 'transfer:' || t.id, 'transfer', p_author, p_changed);
  END IF;
  UPDATE inventory.transfer f
  SET status = p_to, version = f.version + 1, updated_at = now(),
      shipped_at = CASE WHEN p_to = 'in_transit' THEN now() ELSE f.shipped_at END,
      settled_at = CASE WHEN p_to IN ('received', 'cancelled') THEN now() END
  WHERE f.store_id = p_store AND f.id = p_transfer;
  RETURN '{"outcome": "moved"}';
END $$;

-- Locks the levels of a transfer on both sides and returns the lines that its source can't give; NULL: it can.
-- Backorders are for sales: what lies nowhere can't be shipped.
CREATE FUNCTION inventory.short_for(t inventory.transfer) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM inventory.level l
  JOIN inventory.transfer_line i ON i.store_id = l.store_id AND i.variant_id = l.variant_id
  WHERE i.store_id = t.store_id AND i.transfer_id = t.id AND l.location_id IN (t.from_location, t.to_location)
  ORDER BY l.store_id, l.variant_id, l.location_id FOR UPDATE OF l;
  RETURN (
    SELECT jsonb_agg(jsonb_build_object('variantId', i.variant_id, 'requested', i.quantity,
                       'available', greatest(coalesce(l.on_hand - l.reserved, 0), 0)) ORDER BY i.variant_id)
    FROM inventory.transfer_line i
    LEFT JOIN inventory.level l
      ON l.store_id = i.store_id AND l.variant_id = i.variant_id AND l.location_id = t.from_location
    WHERE i.store_id = t.store_id AND i.transfer_id = t.id
      AND i.quantity > greatest(coalesce(l.on_hand - l.reserved, 0), 0));
END $$;

-- What a step does to the levels: to in_transit, received, or cancelled on the way.
CREATE FUNCTION inventory.transfer_changes(t inventory.transfer, p_to text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_agg(jsonb_build_object('variantId', i.variant_id, 'productId', i.product_id, 'locationId', c.location,
                     'onHand', i.quantity * c.on_hand, 'incoming', i.quantity * c.incoming))
  FROM inventory.transfer_line i
  JOIN (VALUES ('in_transit', t.from_location, -1, 0), ('in_transit', t.to_location, 0, 1),
               ('received', t.to_location, 1, -1),
               ('cancelled', t.from_location, 1, 0), ('cancelled', t.to_location, 0, -1))
    AS c(step, location, on_hand, incoming) ON c.step = p_to
  WHERE i.store_id = t.store_id AND i.transfer_id = t.id
$$;
