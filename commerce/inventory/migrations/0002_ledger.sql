-- The ledger by month. Ids are UUIDv7, so a month is a range of ids; keepers make the partitions, and what comes before its
-- partition waits in the default one. The keys that make a change happen once have a table of their own, as a unique
-- index can't span partitions; sales need none, their reservation is settled once.
ALTER TABLE inventory.adjustment RENAME TO adjustment_before;
ALTER TABLE inventory.adjustment_before RENAME CONSTRAINT adjustment_pkey TO adjustment_before_pkey;
DROP INDEX inventory.adjustment_level;

CREATE TABLE inventory.adjustment (
  store_id    text        NOT NULL,
  id          uuid        NOT NULL DEFAULT uuidv7(),
  -- What caused it: the caller's key, a sale, a transfer, a refund.
  key         text        NOT NULL,
  variant_id  text        NOT NULL,
  location_id text        NOT NULL,
  delta       bigint      NOT NULL,
  reason      text        NOT NULL,
  author      text        NOT NULL,
  at          timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, id)
) PARTITION BY RANGE (id);
CREATE TABLE inventory.adjustment_default PARTITION OF inventory.adjustment DEFAULT;
CREATE INDEX adjustment_variant ON inventory.adjustment (store_id, variant_id, id);
CREATE INDEX adjustment_location ON inventory.adjustment (store_id, location_id, id);

CREATE TABLE inventory.adjustment_key (
  store_id text        NOT NULL,
  key      text        NOT NULL,
  at       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, key)
);

INSERT INTO inventory.adjustment (store_id, id, key, variant_id, location_id, delta, reason, author, at)
SELECT b.store_id, uuidv7(b.at - clock_timestamp()), b.key, b.variant_id, b.location_id, b.delta, b.reason, b.author, b.at
FROM inventory.adjustment_before b;
INSERT INTO inventory.adjustment_key (store_id, key, at)
SELECT b.store_id, b.key, b.at FROM inventory.adjustment_before b WHERE b.reason <> 'sale';
DROP TABLE inventory.adjustment_before;

-- Notes a change of on_hand; false when this key was used before. A key counts as used also when nothing changed, so that
-- a repetition does nothing later either. The caller holds the level's lock.
CREATE OR REPLACE FUNCTION inventory.note(p_store text, p_key text, p_variant text, p_location text, p_delta bigint,
                                          p_reason text, p_author text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO inventory.adjustment_key (store_id, key) VALUES (p_store, p_key) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO inventory.adjustment (store_id, key, variant_id, location_id, delta, reason, author)
  SELECT p_store, p_key, p_variant, p_location, p_delta, p_reason, p_author WHERE p_delta <> 0;
  RETURN true;
END $$;

-- Turns a confirmed reservation into a sale: on_hand and reserved fall together. True for the one call that did it.
-- What can be sold stays the same, so nobody is told.
CREATE OR REPLACE FUNCTION inventory.commit(p_store text, p_reservation text, p_changed jsonb DEFAULT NULL)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE inventory.reservation r SET status = 'committed', settled_at = now()
  WHERE r.store_id = p_store AND r.id = p_reservation AND r.status = 'held' AND r.expires_at = 'infinity';
  IF NOT FOUND THEN RETURN false; END IF;

  PERFORM inventory.lock_reserved(p_store, p_reservation);
  UPDATE inventory.level l
  SET on_hand = l.on_hand - r.quantity, reserved = l.reserved - r.quantity, version = l.version + 1, updated_at = now()
  FROM inventory.reservation_line r
  WHERE r.store_id = p_store AND r.reservation_id = p_reservation
    AND l.store_id = r.store_id AND l.variant_id = r.variant_id AND l.location_id = r.location_id;
  INSERT INTO inventory.adjustment (store_id, key, variant_id, location_id, delta, reason, author)
  SELECT p_store, 'sale:' || p_reservation, r.variant_id, r.location_id, -r.quantity, 'sale', 'checkout'
  FROM inventory.reservation_line r WHERE r.store_id = p_store AND r.reservation_id = p_reservation;
  RETURN true;
END $$;

-- Stock of an import, at the default location. p_rows: [{ variantId, productId, onHand, backorder?, row? }]; of several
-- rows of one variant the last counts; a negative on_hand counts as 0. p_mode 'new' sets stock and backorder only where
-- this call creates the level; 'set' also where it exists, but never under what is reserved. Each is done once per
-- (p_source, row), so that a repeated import job changes nothing. applied: something is different now. Rows are taken in
-- the lock order. The caller emits product.changed.
CREATE OR REPLACE FUNCTION inventory.set_initial(p_store text, p_rows jsonb, p_mode text, p_source text)
RETURNS TABLE (variant_id text, applied boolean) LANGUAGE plpgsql AS $$
DECLARE
  v_location text := inventory.default_location(p_store);
  v_level inventory.level;
  v_delta bigint;
  v_backorder boolean;
  g record;
BEGIN
  IF p_mode NOT IN ('new', 'set') THEN RAISE EXCEPTION 'set_initial: mode must be new or set, not %', p_mode; END IF;
  FOR g IN
    SELECT DISTINCT ON (e ->> 'variantId') e ->> 'variantId' AS id, e ->> 'productId' AS product,
           greatest((e ->> 'onHand')::bigint, 0) AS on_hand, (e ->> 'backorder')::boolean AS backorder,
           p_source || ':' || coalesce(e ->> 'row', e ->> 'variantId') AS key
    FROM jsonb_array_elements(p_rows) WITH ORDINALITY AS r(e, n) ORDER BY e ->> 'variantId', n DESC
  LOOP
    variant_id := g.id;
    applied := false;
    INSERT INTO inventory.level (store_id, variant_id, location_id, product_id)
    VALUES (p_store, g.id, v_location, g.product) ON CONFLICT DO NOTHING;
    IF FOUND OR p_mode = 'set' THEN
      SELECT * INTO v_level FROM inventory.level l
      WHERE l.store_id = p_store AND l.variant_id = g.id AND l.location_id = v_location FOR UPDATE;
      v_delta := greatest(g.on_hand, v_level.reserved) - v_level.on_hand;
      v_backorder := coalesce(g.backorder, v_level.backorder);
      IF inventory.note(p_store, g.key, g.id, v_location, v_delta, 'import', p_source)
         AND (v_delta <> 0 OR v_backorder <> v_level.backorder) THEN
        UPDATE inventory.level l
        SET on_hand = l.on_hand + v_delta, backorder = v_backorder, version = l.version + 1, updated_at = now()
        WHERE l.store_id = p_store AND l.variant_id = g.id AND l.location_id = v_location;
        applied := true;
      END IF;
    END IF;
    RETURN NEXT;
  END LOOP;
END $$;
