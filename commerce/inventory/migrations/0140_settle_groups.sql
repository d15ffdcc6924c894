-- inventory.commit and inventory.release for many reservations at once. outcome: done (by this call), committed or released
-- (before), held (not confirmed, or not lapsed), unknown. Locks as everywhere: reservations by (store, id), then levels by
-- (store, variant, location); each level is changed once, by the sum of what the reservations hold of it.

CREATE FUNCTION inventory.lock_reservations(p_stores text[], p_reservations text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM inventory.reservation r
  JOIN (SELECT DISTINCT * FROM unnest(p_stores, p_reservations) AS w(store_id, id)) w
    ON r.store_id = w.store_id AND r.id = w.id
  ORDER BY r.store_id, r.id FOR UPDATE OF r;
END $$;

CREATE FUNCTION inventory.lock_reserved_group(p_stores text[], p_reservations text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM inventory.level l
  JOIN (SELECT DISTINCT r.store_id, r.variant_id, r.location_id
        FROM unnest(p_stores, p_reservations) AS w(store_id, id)
        JOIN inventory.reservation_line r ON r.store_id = w.store_id AND r.reservation_id = w.id) k
    USING (store_id, variant_id, location_id)
  ORDER BY l.store_id, l.variant_id, l.location_id
  FOR UPDATE OF l;
END $$;

-- What became of each, in the order asked: p_done are those that this call settled, each for who asked first.
CREATE FUNCTION inventory.settled(p_stores text[], p_reservations text[], p_done text[]) RETURNS TABLE (outcome text)
LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN w.id = ANY (p_done) AND w.nth = 1 THEN 'done' ELSE coalesce(r.status, 'unknown') END
  FROM (SELECT o.*, row_number() OVER (PARTITION BY o.store_id, o.id ORDER BY o.n) AS nth
        FROM unnest(p_stores, p_reservations) WITH ORDINALITY AS o(store_id, id, n)) w
  LEFT JOIN inventory.reservation r ON r.store_id = w.store_id AND r.id = w.id
  ORDER BY w.n
$$;

CREATE FUNCTION inventory.commit_group(p_stores text[], p_reservations text[]) RETURNS TABLE (outcome text)
LANGUAGE plpgsql AS $$
DECLARE
  v_stores text[];
  v_done text[];
BEGIN
  PERFORM inventory.lock_reservations(p_stores, p_reservations);
  WITH done AS (
    UPDATE inventory.reservation r SET status = 'committed', settled_at = now()
    FROM (SELECT DISTINCT * FROM unnest(p_stores, p_reservations) AS w(store_id, id)) w
    WHERE r.store_id = w.store_id AND r.id = w.id AND r.status = 'held' AND r.expires_at = 'infinity'
    RETURNING r.store_id, r.id)
  SELECT array_agg(d.store_id), array_agg(d.id) INTO v_stores, v_done FROM done d;

  IF v_done IS NOT NULL THEN
    PERFORM inventory.lock_reserved_group(v_stores, v_done);
    WITH line AS MATERIALIZED (
      SELECT r.* FROM unnest(v_stores, v_done) AS w(store_id, id)
      JOIN inventory.reservation_line r ON r.store_id = w.store_id AND r.reservation_id = w.id
    ), noted AS (
      INSERT INTO inventory.adjustment (store_id, key, variant_id, location_id, delta, reason, author)
      SELECT r.store_id, 'sale:' || r.reservation_id, r.variant_id, r.location_id, -r.quantity, 'sale', 'checkout'
      FROM line r
    )
    UPDATE inventory.level l
    SET on_hand = l.on_hand - s.units, reserved = l.reserved - s.units, version = l.version + 1, updated_at = now()
    FROM (SELECT r.store_id, r.variant_id, r.location_id, sum(r.quantity)::bigint AS units
          FROM line r GROUP BY r.store_id, r.variant_id, r.location_id) s
    WHERE l.store_id = s.store_id AND l.variant_id = s.variant_id AND l.location_id = s.location_id;
  END IF;
  RETURN QUERY SELECT s.outcome FROM inventory.settled(p_stores, p_reservations, v_done) s;
END $$;

-- Of reservations that have lapsed. p_changed: { storeId: template of outbox rows }.
CREATE FUNCTION inventory.release_lapsed_group(p_stores text[], p_reservations text[], p_changed jsonb)
RETURNS TABLE (outcome text) LANGUAGE plpgsql AS $$
DECLARE
  v_stores text[];
  v_done text[];
  v_store text;
  v_products text[];
BEGIN
  PERFORM inventory.lock_reservations(p_stores, p_reservations);
  WITH done AS (
    UPDATE inventory.reservation r SET status = 'released', settled_at = now()
    FROM (SELECT DISTINCT * FROM unnest(p_stores, p_reservations) AS w(store_id, id)) w
    WHERE r.store_id = w.store_id AND r.id = w.id AND r.status = 'held' AND r.expires_at <= now()
    RETURNING r.store_id, r.id)
  SELECT array_agg(d.store_id), array_agg(d.id) INTO v_stores, v_done FROM done d;

  IF v_done IS NOT NULL THEN
    PERFORM inventory.lock_reserved_group(v_stores, v_done);
    FOR v_store, v_products IN
      WITH changed AS (
        UPDATE inventory.level l SET reserved = l.reserved - s.units, version = l.version + 1, updated_at = now()
        FROM (SELECT r.store_id, r.variant_id, r.location_id, sum(r.quantity)::bigint AS units
              FROM unnest(v_stores, v_done) AS w(store_id, id)
              JOIN inventory.reservation_line r ON r.store_id = w.store_id AND r.reservation_id = w.id
              GROUP BY r.store_id, r.variant_id, r.location_id) s
        WHERE l.store_id = s.store_id AND l.variant_id = s.variant_id AND l.location_id = s.location_id
        RETURNING l.store_id, l.product_id)
      SELECT c.store_id, array_agg(DISTINCT c.product_id) FROM changed c GROUP BY c.store_id
    LOOP
      PERFORM inventory.announce(v_products, p_changed -> v_store);
    END LOOP;
  END IF;
  RETURN QUERY SELECT s.outcome FROM inventory.settled(p_stores, p_reservations, v_done) s;
END $$;
