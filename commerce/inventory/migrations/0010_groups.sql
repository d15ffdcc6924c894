-- Stock for a group of checkouts in arrival order (p_n), all lines of one or none. The arrays stand side by side, one
-- element a line; p_changed: { storeId: template of outbox rows }. Returns those that are refused, with the lines that
-- were short when their turn came; all others have their reservation. The caller holds the levels' locks (lock_levels).
--
-- Who still fits is what serving one after the other would give: a running sum per variant finds the first that does not
-- fit. All before it are served; it is refused, and so is everyone behind it who wants more than those leave (stock only
-- gets less). Then the sum is taken again without the refused, until all that remain fit.
CREATE FUNCTION inventory.claim_group(p_n bigint[], p_stores text[], p_reservations text[], p_expires timestamptz[],
                                      p_variants text[], p_quantities bigint[], p_changed jsonb)
RETURNS TABLE (n bigint, short jsonb) LANGUAGE plpgsql AS $$
DECLARE
  v_refused bigint[] := '{}';
  v_first bigint;
  v_more bigint[];
  v_wanted bigint;
  v_lines bigint;
  v_taken bigint;
  v_changes jsonb;
  v_store text;
BEGIN
  LOOP
    SELECT min(r.n) INTO v_first
    FROM (SELECT w.n, w.store_id, w.variant_id, sum(w.quantity) OVER (PARTITION BY w.store_id, w.variant_id ORDER BY w.n) AS upto
          FROM inventory.wanted(p_n, p_stores, p_variants, p_quantities) w WHERE w.n <> ALL (v_refused)) r
    JOIN inventory.free(p_stores, p_variants) f ON f.store_id = r.store_id AND f.variant_id = r.variant_id
    WHERE r.upto > f.free;
    EXIT WHEN v_first IS NULL;

    SELECT array_agg(DISTINCT r.n) INTO v_more
    FROM (SELECT w.*, coalesce(sum(w.quantity) FILTER (WHERE w.n < v_first) OVER (PARTITION BY w.store_id, w.variant_id), 0) AS before
          FROM inventory.wanted(p_n, p_stores, p_variants, p_quantities) w WHERE w.n <> ALL (v_refused)) r
    JOIN inventory.free(p_stores, p_variants) f ON f.store_id = r.store_id AND f.variant_id = r.variant_id
    WHERE r.n >= v_first AND r.quantity > f.free - r.before;
    v_refused := v_refused || v_first || coalesce(v_more, '{}');
  END LOOP;

  IF cardinality(v_refused) > 0 THEN
    RETURN QUERY
      SELECT r.n, jsonb_agg(jsonb_build_object('variantId', r.variant_id, 'requested', r.quantity,
                    'available', f.free - r.before) ORDER BY r.variant_id)
      FROM (SELECT w.*, coalesce(sum(CASE WHEN w.n = ANY (v_refused) THEN 0 ELSE w.quantity END)
                     OVER (PARTITION BY w.store_id, w.variant_id ORDER BY w.n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
            FROM inventory.wanted(p_n, p_stores, p_variants, p_quantities) w) r
      JOIN inventory.free(p_stores, p_variants) f ON f.store_id = r.store_id AND f.variant_id = r.variant_id
      WHERE r.n = ANY (v_refused) AND r.quantity > f.free - r.before
      GROUP BY r.n;
  END IF;

  -- The default location is drawn on first, then the others by id; what no location has goes to the first that takes
  -- backorders. Demand and supply of a variant are laid end to end, and where they overlap units are taken.
  WITH demand AS MATERIALIZED (
    SELECT w.*, sum(w.quantity) OVER (PARTITION BY w.store_id, w.variant_id ORDER BY w.n) AS upto
    FROM inventory.wanted(p_n, p_stores, p_variants, p_quantities) w WHERE w.n <> ALL (v_refused)
  ), held AS (
    INSERT INTO inventory.reservation (store_id, id, expires_at)
    SELECT DISTINCT r.store_id, r.id, r.expires_at
    FROM unnest(p_n, p_stores, p_reservations, p_expires) AS r(n, store_id, id, expires_at)
    WHERE r.n <> ALL (v_refused)
  ), level AS MATERIALIZED (
    SELECT l.store_id, l.variant_id, l.location_id, l.product_id, l.backorder, o.is_default,
           greatest(l.on_hand - l.reserved, 0) AS free
    FROM (SELECT DISTINCT d.store_id, d.variant_id FROM demand d) v
    JOIN inventory.level l ON l.store_id = v.store_id AND l.variant_id = v.variant_id
    JOIN inventory.location o ON o.store_id = l.store_id AND o.id = l.location_id
  ), supply AS (
    SELECT l.*, sum(l.free) OVER (PARTITION BY l.store_id, l.variant_id ORDER BY l.is_default DESC, l.location_id) - l.free AS lo,
           sum(l.free) OVER (PARTITION BY l.store_id, l.variant_id ORDER BY l.is_default DESC, l.location_id) AS hi
    FROM level l
    UNION ALL
    (SELECT DISTINCT ON (l.store_id, l.variant_id) l.*,
            (SELECT sum(a.free) FROM level a WHERE a.store_id = l.store_id AND a.variant_id = l.variant_id), 'infinity'::numeric
     FROM level l WHERE l.backorder
     ORDER BY l.store_id, l.variant_id, l.is_default DESC, l.location_id)
  ), take AS MATERIALIZED (
    SELECT d.n, d.store_id, d.variant_id, s.location_id, s.product_id,
           sum(least(d.upto, s.hi) - greatest(d.upto - d.quantity, s.lo))::bigint AS quantity
    FROM demand d
    JOIN supply s ON s.store_id = d.store_id AND s.variant_id = d.variant_id AND d.upto - d.quantity < s.hi AND s.lo < d.upto
    GROUP BY d.n, d.store_id, d.variant_id, s.location_id, s.product_id
  ), line AS (
    INSERT INTO inventory.reservation_line (store_id, reservation_id, variant_id, location_id, quantity)
    SELECT t.store_id, r.id, t.variant_id, t.location_id, t.quantity
    FROM take t JOIN (SELECT DISTINCT x.n, x.id FROM unnest(p_n, p_reservations) AS x(n, id)) r ON r.n = t.n
    RETURNING quantity
  ), changed AS (
    UPDATE inventory.level l
    SET reserved = l.reserved + t.quantity, version = l.version + 1, updated_at = now()
    FROM (SELECT k.store_id, k.variant_id, k.location_id, sum(k.quantity)::bigint AS quantity
          FROM take k GROUP BY k.store_id, k.variant_id, k.location_id) t
    WHERE l.store_id = t.store_id AND l.variant_id = t.variant_id AND l.location_id = t.location_id
      AND (l.backorder OR l.on_hand - l.reserved >= t.quantity)
    RETURNING l.store_id, l.product_id, t.quantity
  )
  SELECT (SELECT sum(d.quantity) FROM demand d), (SELECT sum(i.quantity) FROM line i), (SELECT sum(c.quantity) FROM changed c),
         (SELECT jsonb_object_agg(c.store_id, c.products)
          FROM (SELECT k.store_id, array_agg(DISTINCT k.product_id) AS products FROM changed k GROUP BY k.store_id) c)
  INTO v_wanted, v_lines, v_taken, v_changes;
  IF v_wanted IS DISTINCT FROM v_lines OR v_wanted IS DISTINCT FROM v_taken THEN
    RAISE EXCEPTION 'claim of a group: % units wanted, % written, % taken under lock', v_wanted, v_lines, v_taken;
  END IF;
  FOR v_store IN SELECT jsonb_object_keys(v_changes) LOOP
    PERFORM inventory.announce(ARRAY(SELECT jsonb_array_elements_text(v_changes -> v_store)), p_changed -> v_store);
  END LOOP;
END $$;

-- One row for each variant that one of the group wants.
CREATE FUNCTION inventory.wanted(p_n bigint[], p_stores text[], p_variants text[], p_quantities bigint[])
RETURNS TABLE (n bigint, store_id text, variant_id text, quantity bigint) LANGUAGE sql IMMUTABLE AS $$
  SELECT w.n, w.store_id, w.variant_id, sum(w.quantity)::bigint
  FROM unnest(p_n, p_stores, p_variants, p_quantities) AS w(n, store_id, variant_id, quantity)
  GROUP BY w.n, w.store_id, w.variant_id
$$;

-- Units that can be claimed now, over all locations; no end of them where backorders are taken.
CREATE FUNCTION inventory.free(p_stores text[], p_variants text[])
RETURNS TABLE (store_id text, variant_id text, free bigint) LANGUAGE sql STABLE AS $$
  SELECT v.store_id, v.variant_id,
         CASE WHEN bool_or(l.backorder) THEN 9000000000000000 ELSE coalesce(sum(greatest(l.on_hand - l.reserved, 0)), 0)::bigint END
  FROM (SELECT DISTINCT w.store_id, w.variant_id FROM unnest(p_stores, p_variants) AS w(store_id, variant_id)) v
  LEFT JOIN inventory.level l ON l.store_id = v.store_id AND l.variant_id = v.variant_id
  GROUP BY v.store_id, v.variant_id
$$;

-- inventory.confirm of a group: the reservations that were alive.
CREATE FUNCTION inventory.confirm_group(p_stores text[], p_reservations text[]) RETURNS TABLE (reservation_id text)
LANGUAGE sql AS $$
  UPDATE inventory.reservation r SET expires_at = 'infinity'
  FROM unnest(p_stores, p_reservations) AS w(store_id, id)
  WHERE r.store_id = w.store_id AND r.id = w.id AND r.status = 'held' AND r.expires_at > now()
  RETURNING r.id
$$;
