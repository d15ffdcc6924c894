-- A location that is not active holds nothing and takes nothing, so what sells needs not to look at it.
ALTER TABLE inventory.location
  ADD COLUMN active     boolean     NOT NULL DEFAULT true,
  ADD COLUMN version    bigint      NOT NULL DEFAULT 1,
  ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
  ADD CONSTRAINT location_default_active CHECK (active OR NOT is_default);

ALTER TABLE inventory.level
  -- On its way here from other locations.
  ADD COLUMN incoming      bigint NOT NULL DEFAULT 0 CONSTRAINT level_incoming_not_negative CHECK (incoming >= 0),
  -- At or below this many available units the level is low; NULL: nobody wants to know.
  ADD COLUMN low_threshold bigint CONSTRAINT level_threshold_not_negative CHECK (low_threshold >= 0),
  ADD COLUMN is_low boolean GENERATED ALWAYS AS (coalesce(on_hand - reserved <= low_threshold, false)) STORED;
-- None of these columns changes with a sale (is_low at its crossing only), so that updates of hot rows stay HOT.
CREATE INDEX level_product ON inventory.level (store_id, product_id, variant_id, location_id);
CREATE INDEX level_location ON inventory.level (store_id, location_id, variant_id);
CREATE INDEX level_low ON inventory.level (store_id, variant_id, location_id) WHERE is_low;

-- How many of these units came back after the sale. The check is what makes it impossible to restore a unit twice.
ALTER TABLE inventory.reservation_line
  ADD COLUMN restored bigint NOT NULL DEFAULT 0 CONSTRAINT reservation_line_restored CHECK (restored BETWEEN 0 AND quantity);

-- One row each time that a level became low; a sweep emits stock.low for it, once.
CREATE TABLE inventory.low_crossing (
  store_id     text        NOT NULL,
  id           text        COLLATE "C" NOT NULL DEFAULT 'low_' || replace(uuidv7()::text, '-', ''),
  variant_id   text        NOT NULL,
  location_id  text        NOT NULL,
  available    bigint      NOT NULL,
  threshold    bigint      NOT NULL,
  at           timestamptz NOT NULL DEFAULT now(),
  announced_at timestamptz,
  PRIMARY KEY (store_id, id)
);
CREATE INDEX low_crossing_new ON inventory.low_crossing (id) WHERE announced_at IS NULL;

CREATE FUNCTION inventory.note_low() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO inventory.low_crossing (store_id, variant_id, location_id, available, threshold)
  VALUES (NEW.store_id, NEW.variant_id, NEW.location_id, greatest(NEW.on_hand - NEW.reserved, 0), NEW.low_threshold);
  RETURN NULL;
END $$;
-- A trigger, because every flow that takes stock may be the one that crosses the threshold.
CREATE TRIGGER level_became_low AFTER UPDATE ON inventory.level
FOR EACH ROW WHEN (NEW.is_low AND NOT OLD.is_low) EXECUTE FUNCTION inventory.note_low();

-- Changes on_hand by p_delta under a key that makes it happen once. outcome: applied, repeated (this key was used
-- before), insufficient (on_hand would fall under 0 or under reserved), no_location, inactive_location.
DROP FUNCTION inventory.adjust(text, text, text, text, bigint, text, text, text, jsonb);
CREATE FUNCTION inventory.adjust(p_store text, p_variant text, p_product text, p_location text, p_delta bigint,
                                 p_reason text, p_author text, p_key text, p_changed jsonb DEFAULT NULL)
RETURNS TABLE (outcome text, location_id text) LANGUAGE plpgsql AS $$
DECLARE
  v_active boolean;
BEGIN
  location_id := coalesce(p_location, inventory.default_location(p_store));
  outcome := 'applied';
  -- Shared: a location can't become inactive while stock comes to it.
  SELECT o.active INTO v_active FROM inventory.location o
  WHERE o.store_id = p_store AND o.id = adjust.location_id FOR SHARE;
  IF v_active IS NULL THEN outcome := 'no_location'; RETURN NEXT; RETURN; END IF;
  IF NOT v_active THEN outcome := 'inactive_location'; RETURN NEXT; RETURN; END IF;
  -- Only stock that comes makes a level: one that can't be taken from nothing leaves no empty row behind.
  INSERT INTO inventory.level (store_id, variant_id, location_id, product_id)
  SELECT p_store, p_variant, adjust.location_id, p_product WHERE p_delta > 0 ON CONFLICT DO NOTHING;
  PERFORM 1 FROM inventory.level l
  WHERE l.store_id = p_store AND l.variant_id = p_variant AND l.location_id = adjust.location_id FOR UPDATE;

  IF EXISTS (SELECT 1 FROM inventory.adjustment_key k WHERE k.store_id = p_store AND k.key = p_key) THEN
    outcome := 'repeated';
    RETURN NEXT;
    RETURN;
  END IF;
  -- Backorders let sales go under 0, not counting.
  UPDATE inventory.level l SET on_hand = l.on_hand + p_delta, version = l.version + 1, updated_at = now()
  WHERE l.store_id = p_store AND l.variant_id = p_variant AND l.location_id = adjust.location_id
    AND (p_delta > 0 OR l.on_hand + p_delta >= CASE WHEN l.backorder THEN 0 ELSE l.reserved END);
  IF FOUND THEN
    PERFORM inventory.note(p_store, p_key, p_variant, adjust.location_id, p_delta, p_reason, p_author);
    PERFORM inventory.announce(ARRAY[p_product], p_changed);
  ELSE
    outcome := 'insufficient';
  END IF;
  RETURN NEXT;
END $$;

-- Changes several levels together, made where they are missing, in the lock order, and writes the ledger. The caller holds
-- their locations' shared locks and has seen to it that nothing is taken that is not there.
-- p_changes: [{ variantId, productId, locationId, onHand, incoming }] (differences).
CREATE FUNCTION inventory.shift(p_store text, p_changes jsonb, p_key text, p_reason text, p_author text, p_changed jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO inventory.level (store_id, variant_id, location_id, product_id)
  SELECT DISTINCT p_store, c."variantId", c."locationId", c."productId"
  FROM jsonb_to_recordset(p_changes) AS c("variantId" text, "locationId" text, "productId" text)
  ORDER BY 2, 3 ON CONFLICT DO NOTHING;
  PERFORM 1 FROM inventory.level l
  JOIN (SELECT DISTINCT c."variantId" AS v, c."locationId" AS o
        FROM jsonb_to_recordset(p_changes) AS c("variantId" text, "locationId" text)) c
    ON l.store_id = p_store AND l.variant_id = c.v AND l.location_id = c.o
  ORDER BY l.store_id, l.variant_id, l.location_id FOR UPDATE OF l;

  UPDATE inventory.level l
  SET on_hand = l.on_hand + c.on_hand, incoming = l.incoming + c.incoming, version = l.version + 1, updated_at = now()
  FROM (SELECT c."variantId" AS v, c."locationId" AS o, sum(coalesce(c."onHand", 0)) AS on_hand,
               sum(coalesce(c.incoming, 0)) AS incoming
        FROM jsonb_to_recordset(p_changes) AS c("variantId" text, "locationId" text, "onHand" bigint, incoming bigint)
        GROUP BY 1, 2) c
  WHERE l.store_id = p_store AND l.variant_id = c.v AND l.location_id = c.o;

  INSERT INTO inventory.adjustment (store_id, key, variant_id, location_id, delta, reason, author)
  SELECT p_store, p_key, c."variantId", c."locationId", c."onHand", p_reason, p_author
  FROM jsonb_to_recordset(p_changes) AS c("variantId" text, "locationId" text, "onHand" bigint) WHERE c."onHand" <> 0;
  PERFORM inventory.announce((
    SELECT array_agg(DISTINCT c."productId")
    FROM jsonb_to_recordset(p_changes) AS c("productId" text, "onHand" bigint) WHERE c."onHand" <> 0), p_changed);
END $$;

-- Gives units of a confirmed or committed reservation back, each at most once, and returns how many. p_lines:
-- [{ variantId, quantity }]; NULL: all that is left. A reservation whose commit has not run yet is committed first, so that
-- there is one way back only, and that job finds it settled. Units whose location is no longer active go to the default one.
CREATE FUNCTION inventory.restore(p_store text, p_reservation text, p_lines jsonb, p_reason text, p_author text,
                                  p_changed jsonb DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_default text := inventory.default_location(p_store);
  v_changes jsonb;
  v_units bigint;
BEGIN
  PERFORM 1 FROM inventory.reservation r WHERE r.store_id = p_store AND r.id = p_reservation FOR UPDATE;
  PERFORM 1 FROM inventory.location o
  WHERE o.store_id = p_store AND (o.id = v_default OR o.id IN (
    SELECT r.location_id FROM inventory.reservation_line r WHERE r.store_id = p_store AND r.reservation_id = p_reservation))
  ORDER BY o.id FOR SHARE;
  PERFORM inventory.commit(p_store, p_reservation);
  IF NOT EXISTS (SELECT 1 FROM inventory.reservation r
                 WHERE r.store_id = p_store AND r.id = p_reservation AND r.status = 'committed') THEN RETURN 0; END IF;

  WITH wanted AS (
    SELECT w."variantId" AS id, sum(w.quantity)::bigint AS quantity
    FROM jsonb_to_recordset(p_lines) AS w("variantId" text, quantity bigint) GROUP BY 1
  ), remaining AS (
    SELECT r.variant_id, r.location_id, r.quantity - r.restored AS units,
           sum(r.quantity - r.restored) OVER (PARTITION BY r.variant_id ORDER BY r.location_id) - (r.quantity - r.restored) AS before
    FROM inventory.reservation_line r WHERE r.store_id = p_store AND r.reservation_id = p_reservation
  ), back AS (
    SELECT m.variant_id, m.location_id,
           CASE WHEN p_lines IS NULL THEN m.units ELSE least(m.units, greatest(w.quantity - m.before, 0)) END AS units
    FROM remaining m LEFT JOIN wanted w ON w.id = m.variant_id
  ), done AS (
    UPDATE inventory.reservation_line r SET restored = r.restored + b.units
    FROM back b
    WHERE r.store_id = p_store AND r.reservation_id = p_reservation AND b.units > 0
      AND r.variant_id = b.variant_id AND r.location_id = b.location_id
    RETURNING r.variant_id, r.location_id, b.units
  )
  SELECT jsonb_agg(jsonb_build_object('variantId', d.variant_id, 'productId', l.product_id, 'onHand', d.units,
                     'locationId', CASE WHEN o.active THEN d.location_id ELSE v_default END)), sum(d.units)
  INTO v_changes, v_units
  FROM done d
  JOIN inventory.level l ON l.store_id = p_store AND l.variant_id = d.variant_id AND l.location_id = d.location_id
  JOIN inventory.location o ON o.store_id = p_store AND o.id = d.location_id;
  IF v_changes IS NULL THEN RETURN 0; END IF;
  PERFORM inventory.shift(p_store, v_changes, 'return:' || p_reservation, p_reason, p_author, p_changed);
  RETURN v_units;
END $$;
