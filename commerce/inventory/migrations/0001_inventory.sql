CREATE SCHEMA inventory;

CREATE TABLE inventory.location (
  store_id   text        NOT NULL,
  id         text        NOT NULL,
  name       text        NOT NULL,
  is_default boolean     NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, id)
);
CREATE UNIQUE INDEX location_default ON inventory.location (store_id) WHERE is_default;

-- Stock of a variant at a location. product_id is kept here so that a change of stock can name its product without
-- asking the catalog. A hot row is updated thousands of times a minute: room in the page keeps those updates HOT.
CREATE TABLE inventory.level (
  store_id    text        NOT NULL,
  variant_id  text        NOT NULL,
  location_id text        NOT NULL,
  product_id  text        NOT NULL,
  on_hand     bigint      NOT NULL DEFAULT 0,
  reserved    bigint      NOT NULL DEFAULT 0,
  backorder   boolean     NOT NULL DEFAULT false,
  version     bigint      NOT NULL DEFAULT 1,
  updated_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, variant_id, location_id),
  FOREIGN KEY (store_id, location_id) REFERENCES inventory.location (store_id, id),
  CONSTRAINT level_reserved_not_negative CHECK (reserved >= 0),
  CONSTRAINT level_on_hand_not_negative CHECK (on_hand >= 0 OR backorder),
  CONSTRAINT level_not_oversold CHECK (reserved <= on_hand OR backorder)
) WITH (fillfactor = 60);

-- held → committed | released, whichever comes first; never back. A held reservation lapses at expires_at; that of a
-- placed order has expires_at = infinity: only its commit can end it.
CREATE TABLE inventory.reservation (
  store_id   text        NOT NULL,
  id         text        NOT NULL,
  status     text        NOT NULL DEFAULT 'held' CHECK (status IN ('held', 'committed', 'released')),
  expires_at timestamptz NOT NULL,
  -- When a sweep asked for its release, so that it asks once.
  lapsed_at  timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  settled_at timestamptz,
  PRIMARY KEY (store_id, id)
) WITH (fillfactor = 80);
CREATE INDEX reservation_due ON inventory.reservation (expires_at, id) WHERE status = 'held' AND lapsed_at IS NULL;

CREATE TABLE inventory.reservation_line (
  store_id       text   NOT NULL,
  reservation_id text   NOT NULL,
  variant_id     text   NOT NULL,
  location_id    text   NOT NULL,
  quantity       bigint NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (store_id, reservation_id, variant_id, location_id)
);

-- Every change of on_hand, with who and why. The sum of the deltas of a level is its on_hand. The key makes a change
-- happen once however often it is asked for.
CREATE TABLE inventory.adjustment (
  store_id    text        NOT NULL,
  key         text        NOT NULL,
  variant_id  text        NOT NULL,
  location_id text        NOT NULL,
  delta       bigint      NOT NULL,
  reason      text        NOT NULL,
  author      text        NOT NULL,
  at          timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, key)
);
CREATE INDEX adjustment_level ON inventory.adjustment (store_id, variant_id, location_id, at);

-- The id follows from the store's, so that two that create it at once create the same.
CREATE FUNCTION inventory.default_location(p_store text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_id text;
BEGIN
  SELECT l.id INTO v_id FROM inventory.location l WHERE l.store_id = p_store AND l.is_default;
  IF v_id IS NULL THEN
    v_id := 'loc_' || regexp_replace(p_store, '^[^_]*_', '');
    INSERT INTO inventory.location (store_id, id, name, is_default) VALUES (p_store, v_id, 'Main', true)
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN v_id;
END $$;

-- What can be sold now, one row for each variant asked for; 0 where there is no level.
CREATE FUNCTION inventory.available(p_store text, p_variants text[])
RETURNS TABLE (variant_id text, available bigint, backorder boolean) LANGUAGE sql STABLE AS $$
  SELECT v.id, coalesce(sum(greatest(l.on_hand - l.reserved, 0)), 0)::bigint, coalesce(bool_or(l.backorder), false)
  FROM (SELECT DISTINCT unnest(p_variants) AS id) v
  LEFT JOIN inventory.level l ON l.store_id = p_store AND l.variant_id = v.id
  GROUP BY v.id
$$;

-- Enqueues what follows from stock.changed, once a product. p_template: outbox rows made for a product called
-- '$product'; key and payload get the real id. NULL: nobody wants to know.
CREATE FUNCTION inventory.announce(p_products text[], p_template jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_template IS NULL OR p_template = '[]' OR coalesce(cardinality(p_products), 0) = 0 THEN RETURN; END IF;
  PERFORM bus.enqueue((
    SELECT jsonb_agg(t.row || jsonb_build_object('id', uuidv7(),
             'key', replace(t.row ->> 'key', '$product', p.id),
             'payload', replace((t.row -> 'payload')::text, '$product', p.id)::jsonb))
    FROM (SELECT DISTINCT unnest(p_products) AS id) p, jsonb_array_elements(p_template) AS t(row)));
END $$;

-- Locks the levels of all these variants in the one order that every flow uses: (store, variant, location).
-- p_wanted: [{ storeId, variantId }].
CREATE FUNCTION inventory.lock_levels(p_wanted jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM inventory.level l
  JOIN (SELECT DISTINCT w."storeId", w."variantId" FROM jsonb_to_recordset(p_wanted) AS w("storeId" text, "variantId" text)) w
    ON l.store_id = w."storeId" AND l.variant_id = w."variantId"
  ORDER BY l.store_id, l.variant_id, l.location_id
  FOR UPDATE OF l;
END $$;

-- Claims stock for a reservation, all lines or none, and returns the lines that are short (none: claimed).
-- p_lines: [{ variantId, quantity }]. The default location is drawn on first, then the others by id; what no location
-- has goes to the first that takes backorders.
CREATE FUNCTION inventory.claim(p_store text, p_reservation text, p_lines jsonb, p_expires timestamptz,
                                p_changed jsonb DEFAULT NULL)
RETURNS TABLE (variant_id text, requested bigint, available bigint) LANGUAGE plpgsql AS $$
DECLARE
  v_take jsonb;
  v_products text[];
  v_expected integer;
  v_done integer;
BEGIN
  PERFORM 1 FROM inventory.level l
  WHERE l.store_id = p_store
    AND l.variant_id IN (SELECT e ->> 'variantId' FROM jsonb_array_elements(p_lines) e)
  ORDER BY l.store_id, l.variant_id, l.location_id
  FOR UPDATE;

  RETURN QUERY
    SELECT w.id, w.quantity, a.available
    FROM (SELECT e ->> 'variantId' AS id, sum((e ->> 'quantity')::bigint)::bigint AS quantity
          FROM jsonb_array_elements(p_lines) e GROUP BY 1) w
    JOIN inventory.available(p_store, (SELECT array_agg(e ->> 'variantId') FROM jsonb_array_elements(p_lines) e)) a
      ON a.variant_id = w.id
    WHERE a.available < w.quantity AND NOT a.backorder
    ORDER BY w.id;
  IF FOUND THEN RETURN; END IF;

  WITH want AS (
    SELECT e ->> 'variantId' AS id, sum((e ->> 'quantity')::bigint)::bigint AS quantity
    FROM jsonb_array_elements(p_lines) e GROUP BY 1
  ), supply AS (
    SELECT l.variant_id, l.location_id, l.product_id, w.quantity, greatest(l.on_hand - l.reserved, 0) AS free,
           sum(greatest(l.on_hand - l.reserved, 0)) OVER earlier - greatest(l.on_hand - l.reserved, 0) AS before,
           sum(greatest(l.on_hand - l.reserved, 0)) OVER (PARTITION BY l.variant_id) AS total,
           l.backorder AND row_number() OVER (PARTITION BY l.variant_id, l.backorder ORDER BY o.is_default DESC, l.location_id) = 1
             AS takes_rest
    FROM want w
    JOIN inventory.level l ON l.store_id = p_store AND l.variant_id = w.id
    JOIN inventory.location o ON o.store_id = l.store_id AND o.id = l.location_id
    WINDOW earlier AS (PARTITION BY l.variant_id ORDER BY o.is_default DESC, l.location_id)
  ), take AS (
    SELECT s.variant_id, s.location_id, s.product_id,
           least(s.free, greatest(s.quantity - s.before, 0))
             + CASE WHEN s.takes_rest THEN greatest(s.quantity - s.total, 0) ELSE 0 END AS quantity
    FROM supply s
  )
  SELECT jsonb_agg(jsonb_build_object('v', t.variant_id, 'l', t.location_id, 'q', t.quantity)),
         array_agg(t.product_id), count(*)
  INTO v_take, v_products, v_expected
  FROM take t WHERE t.quantity > 0;

  INSERT INTO inventory.reservation (store_id, id, expires_at) VALUES (p_store, p_reservation, p_expires);
  INSERT INTO inventory.reservation_line (store_id, reservation_id, variant_id, location_id, quantity)
  SELECT p_store, p_reservation, t.v, t.l, t.q FROM jsonb_to_recordset(v_take) AS t(v text, l text, q bigint);

  UPDATE inventory.level l
  SET reserved = l.reserved + t.q, version = l.version + 1, updated_at = now()
  FROM jsonb_to_recordset(v_take) AS t(v text, l text, q bigint)
  WHERE l.store_id = p_store AND l.variant_id = t.v AND l.location_id = t.l
    AND (l.backorder OR l.on_hand - l.reserved >= t.q);
  GET DIAGNOSTICS v_done = ROW_COUNT;
  IF v_done <> v_expected THEN
    RAISE EXCEPTION 'claim %: % of % levels still had the stock they had under lock', p_reservation, v_done, v_expected;
  END IF;
  PERFORM inventory.announce(v_products, p_changed);
END $$;

-- Takes the expiry from a reservation that is alive: from now on only its commit ends it. False: it had lapsed.
CREATE FUNCTION inventory.confirm(p_store text, p_reservation text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE inventory.reservation r SET expires_at = 'infinity'
  WHERE r.store_id = p_store AND r.id = p_reservation AND r.status = 'held' AND r.expires_at > now();
  RETURN FOUND;
END $$;

-- Locks the levels of a reservation in the order of all flows, after its own row.
CREATE FUNCTION inventory.lock_reserved(p_store text, p_reservation text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM inventory.level l
  JOIN inventory.reservation_line r USING (store_id, variant_id, location_id)
  WHERE r.store_id = p_store AND r.reservation_id = p_reservation
  ORDER BY l.store_id, l.variant_id, l.location_id
  FOR UPDATE OF l;
END $$;

-- Turns a confirmed reservation into a sale: on_hand and reserved fall together. True for the one call that did it.
CREATE FUNCTION inventory.commit(p_store text, p_reservation text, p_changed jsonb DEFAULT NULL)
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
  SELECT p_store, 'sale:' || p_reservation || ':' || r.variant_id || ':' || r.location_id, r.variant_id, r.location_id,
         -r.quantity, 'sale', 'checkout'
  FROM inventory.reservation_line r WHERE r.store_id = p_store AND r.reservation_id = p_reservation;
  PERFORM inventory.announce(inventory.reserved_products(p_store, p_reservation), p_changed);
  RETURN true;
END $$;

-- Gives the stock of a held reservation back. True for the one call that did it. A confirmed reservation is never
-- released; p_lapsed_only leaves one alone that is still alive.
CREATE FUNCTION inventory.release(p_store text, p_reservation text, p_lapsed_only boolean, p_changed jsonb DEFAULT NULL)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE inventory.reservation r SET status = 'released', settled_at = now()
  WHERE r.store_id = p_store AND r.id = p_reservation AND r.status = 'held' AND r.expires_at < 'infinity'
    AND (NOT p_lapsed_only OR r.expires_at <= now());
  IF NOT FOUND THEN RETURN false; END IF;

  PERFORM inventory.lock_reserved(p_store, p_reservation);
  UPDATE inventory.level l SET reserved = l.reserved - r.quantity, version = l.version + 1, updated_at = now()
  FROM inventory.reservation_line r
  WHERE r.store_id = p_store AND r.reservation_id = p_reservation
    AND l.store_id = r.store_id AND l.variant_id = r.variant_id AND l.location_id = r.location_id;
  PERFORM inventory.announce(inventory.reserved_products(p_store, p_reservation), p_changed);
  RETURN true;
END $$;

CREATE FUNCTION inventory.reserved_products(p_store text, p_reservation text) RETURNS text[] LANGUAGE sql STABLE AS $$
  SELECT array_agg(DISTINCT l.product_id)
  FROM inventory.reservation_line r JOIN inventory.level l USING (store_id, variant_id, location_id)
  WHERE r.store_id = p_store AND r.reservation_id = p_reservation
$$;

-- Marks reservations that have lapsed, each once, and returns them; any number of sweeps may run.
CREATE FUNCTION inventory.lapse(p_limit integer) RETURNS TABLE (store_id text, reservation_id text) LANGUAGE sql AS $$
  UPDATE inventory.reservation r SET lapsed_at = now()
  FROM (SELECT d.store_id, d.id FROM inventory.reservation d
        WHERE d.status = 'held' AND d.lapsed_at IS NULL AND d.expires_at <= now()
        ORDER BY d.expires_at, d.id LIMIT p_limit FOR UPDATE SKIP LOCKED) due
  WHERE r.store_id = due.store_id AND r.id = due.id
  RETURNING r.store_id, r.id
$$;

-- Writes one line of the ledger; false when this key was used before. The caller holds the level's lock.
CREATE FUNCTION inventory.note(p_store text, p_key text, p_variant text, p_location text, p_delta bigint,
                               p_reason text, p_author text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO inventory.adjustment (store_id, key, variant_id, location_id, delta, reason, author)
  VALUES (p_store, p_key, p_variant, p_location, p_delta, p_reason, p_author) ON CONFLICT DO NOTHING;
  RETURN FOUND;
END $$;

-- Changes on_hand by p_delta under a key that makes it happen once. outcome: applied, repeated (this key was used
-- before), insufficient (on_hand would fall under 0 or under reserved), no_location.
CREATE FUNCTION inventory.adjust(p_store text, p_variant text, p_product text, p_location text, p_delta bigint,
                                 p_reason text, p_author text, p_key text, p_changed jsonb DEFAULT NULL)
RETURNS TABLE (outcome text, location_id text, on_hand bigint, reserved bigint, version bigint, updated_at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
  v_location text := coalesce(p_location, inventory.default_location(p_store));
  v_outcome text := 'applied';
BEGIN
  IF NOT EXISTS (SELECT 1 FROM inventory.location o WHERE o.store_id = p_store AND o.id = v_location) THEN
    RETURN QUERY SELECT 'no_location', v_location, 0::bigint, 0::bigint, 0::bigint, now();
    RETURN;
  END IF;
  -- Only stock that comes makes a level: one that can't be taken from nothing leaves no empty row behind.
  INSERT INTO inventory.level (store_id, variant_id, location_id, product_id)
  SELECT p_store, p_variant, v_location, p_product WHERE p_delta > 0 ON CONFLICT DO NOTHING;
  PERFORM 1 FROM inventory.level l
  WHERE l.store_id = p_store AND l.variant_id = p_variant AND l.location_id = v_location FOR UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'insufficient', v_location, 0::bigint, 0::bigint, 0::bigint, now();
    RETURN;
  END IF;

  IF EXISTS (SELECT 1 FROM inventory.adjustment a WHERE a.store_id = p_store AND a.key = p_key) THEN
    v_outcome := 'repeated';
  ELSE
    UPDATE inventory.level l SET on_hand = l.on_hand + p_delta, version = l.version + 1, updated_at = now()
    WHERE l.store_id = p_store AND l.variant_id = p_variant AND l.location_id = v_location
      AND (l.backorder OR l.on_hand + p_delta >= l.reserved);
    IF FOUND THEN
      PERFORM inventory.note(p_store, p_key, p_variant, v_location, p_delta, p_reason, p_author);
      PERFORM inventory.announce(ARRAY[p_product], p_changed);
    ELSE
      v_outcome := 'insufficient';
    END IF;
  END IF;
  RETURN QUERY SELECT v_outcome, l.location_id, l.on_hand, l.reserved, l.version, l.updated_at FROM inventory.level l
    WHERE l.store_id = p_store AND l.variant_id = p_variant AND l.location_id = v_location;
END $$;

-- Stock of an import, at the default location. p_rows: [{ variantId, productId, onHand, row? }]; of several rows of one
-- variant the last counts; a negative on_hand counts as 0. p_mode 'new' sets stock only where this call creates the
-- level; 'set' also where it exists, but never under what is reserved. Each is one adjustment keyed (p_source, row), so
-- that a repeated import job changes nothing. Rows are taken in the lock order. The caller emits product.changed.
CREATE FUNCTION inventory.set_initial(p_store text, p_rows jsonb, p_mode text, p_source text)
RETURNS TABLE (variant_id text, applied boolean) LANGUAGE plpgsql AS $$
DECLARE
  v_location text := inventory.default_location(p_store);
  v_delta bigint;
  g record;
BEGIN
  IF p_mode NOT IN ('new', 'set') THEN RAISE EXCEPTION 'set_initial: mode must be new or set, not %', p_mode; END IF;
  FOR g IN
    SELECT DISTINCT ON (e ->> 'variantId') e ->> 'variantId' AS id, e ->> 'productId' AS product,
           greatest((e ->> 'onHand')::bigint, 0) AS on_hand,
           p_source || ':' || coalesce(e ->> 'row', e ->> 'variantId') AS key
    FROM jsonb_array_elements(p_rows) WITH ORDINALITY AS r(e, n) ORDER BY e ->> 'variantId', n DESC
  LOOP
    variant_id := g.id;
    applied := false;
    INSERT INTO inventory.level (store_id, variant_id, location_id, product_id)
    VALUES (p_store, g.id, v_location, g.product) ON CONFLICT DO NOTHING;
    IF FOUND OR p_mode = 'set' THEN
      SELECT greatest(g.on_hand, l.reserved) - l.on_hand INTO v_delta FROM inventory.level l
      WHERE l.store_id = p_store AND l.variant_id = g.id AND l.location_id = v_location FOR UPDATE;
      applied := inventory.note(p_store, g.key, g.id, v_location, v_delta, 'import', p_source);
    END IF;
    IF applied THEN
      UPDATE inventory.level l SET on_hand = l.on_hand + v_delta, version = l.version + 1, updated_at = now()
      WHERE l.store_id = p_store AND l.variant_id = g.id AND l.location_id = v_location;
    END IF;
    RETURN NEXT;
  END LOOP;
END $$;
