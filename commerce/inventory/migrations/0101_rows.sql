-- inventory.claim_orders with orders and lines as rows.
DROP FUNCTION inventory.claim_orders(text[], text[], timestamptz[], bigint[], text[], integer[], bigint[], jsonb);

-- Stock for a group of orders in their order, all lines of one or none. p_orders: rows with n, store_id, reservation_id,
-- expires_at; p_lines: rows with n (of its order; those of others don't count), variant_id, quantity. p_changed: { storeId:
-- template of outbox rows }. Returns those that are refused, with the lines that were short when their turn came; all others
-- have their reservation.
--
-- Levels are locked in the order of all flows. Where the first location of each variant (the default one, else by id) has
-- what the whole group wants, as nearly always, nobody is refused and everything comes from there. Else it is
-- inventory.claim_group that decides who gets what, and where from.
CREATE FUNCTION inventory.claim_orders(p_orders anyarray, p_lines anycompatiblearray, p_changed jsonb)
RETURNS TABLE (n bigint, short jsonb) LANGUAGE plpgsql AS $$
DECLARE
  v_taken inventory.taken[];
  v_fits boolean;
  v_wanted bigint;
  v_done bigint;
  v_store text;
BEGIN
  WITH wanted AS MATERIALIZED (
    SELECT o.store_id, l.variant_id, sum(l.quantity)::bigint AS quantity
    FROM unnest(p_lines) l JOIN unnest(p_orders) o ON o.n = l.n
    GROUP BY o.store_id, l.variant_id
  ), locked AS MATERIALIZED (
    SELECT l.store_id, l.variant_id, l.location_id, l.product_id, greatest(l.on_hand - l.reserved, 0) AS free
    FROM wanted w
    JOIN inventory.level l ON l.store_id = w.store_id AND l.variant_id = w.variant_id
    ORDER BY l.store_id, l.variant_id, l.location_id FOR UPDATE OF l
  ), first AS (
    SELECT DISTINCT ON (l.store_id, l.variant_id) l.*
    FROM locked l JOIN inventory.location o ON o.store_id = l.store_id AND o.id = l.location_id
    ORDER BY l.store_id, l.variant_id, o.is_default DESC, l.location_id
  )
  SELECT array_agg((w.store_id, w.variant_id, f.location_id, f.product_id, w.quantity)::inventory.taken),
         bool_and(f.free IS NOT NULL AND f.free >= w.quantity), sum(w.quantity)
  INTO v_taken, v_fits, v_wanted
  FROM wanted w LEFT JOIN first f ON f.store_id = w.store_id AND f.variant_id = w.variant_id;

  IF NOT v_fits THEN
    RETURN QUERY
      SELECT c.n, c.short
      FROM (SELECT array_agg(l.n) AS n, array_agg(o.store_id) AS stores, array_agg(o.reservation_id) AS reservations,
                   array_agg(o.expires_at) AS expires, array_agg(l.variant_id) AS variants,
                   array_agg(l.quantity::bigint) AS quantities
            FROM unnest(p_lines) l JOIN unnest(p_orders) o ON o.n = l.n) w
      CROSS JOIN LATERAL inventory.claim_group(w.n, w.stores, w.reservations, w.expires, w.variants, w.quantities, p_changed) c;
    RETURN;
  END IF;

  WITH held AS (
    INSERT INTO inventory.reservation (store_id, id, expires_at)
    SELECT o.store_id, o.reservation_id, o.expires_at FROM unnest(p_orders) o
  ), line AS (
    INSERT INTO inventory.reservation_line (store_id, reservation_id, variant_id, location_id, quantity)
    SELECT o.store_id, o.reservation_id, l.variant_id, t.location_id, l.quantity
    FROM unnest(p_lines) l
    JOIN unnest(p_orders) o ON o.n = l.n
    JOIN unnest(v_taken) t ON t.variant_id = l.variant_id AND t.store_id = o.store_id
  ), changed AS (
    UPDATE inventory.level l
    SET reserved = l.reserved + t.quantity, version = l.version + 1, updated_at = now()
    FROM unnest(v_taken) t
    WHERE l.store_id = t.store_id AND l.variant_id = t.variant_id AND l.location_id = t.location_id
      AND l.on_hand - l.reserved >= t.quantity
    RETURNING t.quantity
  )
  SELECT sum(c.quantity) INTO v_done FROM changed c;
  IF v_done IS DISTINCT FROM v_wanted THEN
    RAISE EXCEPTION 'claim of a group: % units wanted, % taken under lock', v_wanted, v_done;
  END IF;
  FOR v_store IN SELECT DISTINCT t.store_id FROM unnest(v_taken) t LOOP
    PERFORM inventory.announce(ARRAY(SELECT t.product_id FROM unnest(v_taken) t WHERE t.store_id = v_store),
                               p_changed -> v_store);
  END LOOP;
END $$;

-- Takes the expiry from the reservations of a group of orders that are alive, and returns those. p_orders: rows with store_id,
-- reservation_id.
CREATE FUNCTION inventory.confirm_orders(p_orders anyarray) RETURNS TABLE (reservation_id text) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY
    UPDATE inventory.reservation r SET expires_at = 'infinity'
    FROM unnest(p_orders) w
    WHERE r.store_id = w.store_id AND r.id = w.reservation_id AND r.status = 'held' AND r.expires_at > now()
    RETURNING r.id;
END $$;
