-- Stock for a batch from a queue in the order of p_n, all lines of one or none: what inventory.claim_group says, in few
-- statements where nearly all want the same. The arrays of lines stand side by side, sorted by p_n, a variant at most once
-- for each n; p_changed: template of outbox rows. Returns those that are refused, with the lines that were short when their
-- turn came.
--
-- Three cases. What is sold out refuses all who want it, without a look at who came first. What is enough for all, and
-- lies at one place, is given to all by one insert and one update a level. For the rest claim_group decides.
CREATE FUNCTION inventory.claim_queue(p_store text, p_n bigint[], p_reservations text[], p_expires timestamptz,
                                      p_variants text[], p_quantities bigint[], p_changed jsonb)
RETURNS TABLE (n bigint, short jsonb) LANGUAGE plpgsql
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  v_wanted text[];
  v_stores text[];
  v_sold_out text[];
  v_refused bigint[];
  v_places bigint;
  v_enough boolean;
  v_units bigint;
  v_taken bigint;
  v_products text[];
BEGIN
  v_wanted := ARRAY(SELECT DISTINCT w.id FROM unnest(p_variants) AS w(id));
  v_stores := array_fill(p_store, ARRAY[cardinality(v_wanted)]);
  PERFORM inventory.lock_levels((
    SELECT jsonb_agg(jsonb_build_object('storeId', p_store, 'variantId', w.id)) FROM unnest(v_wanted) AS w(id)));

  v_sold_out := ARRAY(SELECT f.variant_id FROM inventory.free(v_stores, v_wanted) f WHERE f.free = 0);
  IF cardinality(v_sold_out) > 0 THEN
    v_refused := ARRAY(SELECT DISTINCT w.n FROM unnest(p_n, p_variants) AS w(n, variant_id)
                       WHERE w.variant_id = ANY (v_sold_out));
    RETURN QUERY
      SELECT w.n, jsonb_agg(jsonb_build_object('variantId', w.variant_id, 'requested', w.quantity, 'available', f.free)
                            ORDER BY w.variant_id)
      FROM unnest(p_n, p_variants, p_quantities) AS w(n, variant_id, quantity)
      JOIN inventory.free(v_stores, v_wanted) f ON f.variant_id = w.variant_id AND f.free < w.quantity
      WHERE w.n = ANY (v_refused)
      GROUP BY w.n;
    SELECT array_agg(w.n ORDER BY w.n), array_agg(w.reservation_id ORDER BY w.n), array_agg(w.variant_id ORDER BY w.n),
           array_agg(w.quantity ORDER BY w.n)
    INTO p_n, p_reservations, p_variants, p_quantities
    FROM unnest(p_n, p_reservations, p_variants, p_quantities) AS w(n, reservation_id, variant_id, quantity)
    WHERE w.n <> ALL (v_refused);
    IF p_n IS NULL THEN RETURN; END IF;
  END IF;

  SELECT max(v.places), bool_and(v.free >= v.wanted), sum(v.wanted) INTO v_places, v_enough, v_units
  FROM (SELECT count(l.location_id) AS places, max(w.wanted) AS wanted,
               CASE WHEN bool_or(l.backorder) THEN 9000000000000000
                    ELSE coalesce(sum(greatest(l.on_hand - l.reserved, 0)), 0) END AS free
        FROM (SELECT t.variant_id, sum(t.quantity)::bigint AS wanted
              FROM unnest(p_variants, p_quantities) AS t(variant_id, quantity) GROUP BY t.variant_id) w
        LEFT JOIN inventory.level l ON l.store_id = p_store AND l.variant_id = w.variant_id
        GROUP BY w.variant_id) v;
  IF v_places > 1 OR NOT v_enough THEN
    RETURN QUERY SELECT g.n, g.short FROM inventory.claim_group(p_n, array_fill(p_store, ARRAY[cardinality(p_n)]),
      p_reservations, array_fill(p_expires, ARRAY[cardinality(p_n)]), p_variants, p_quantities,
      jsonb_build_object(p_store, p_changed)) g;
    RETURN;
  END IF;

  INSERT INTO inventory.reservation (store_id, id, expires_at)
  SELECT p_store, r.id, p_expires FROM unnest(p_n, p_reservations) WITH ORDINALITY AS r(n, id, i)
  WHERE r.i = 1 OR p_n[r.i - 1] <> r.n;
  WITH place AS MATERIALIZED (
    SELECT l.variant_id, l.location_id
    FROM unnest(v_wanted) AS w(id) JOIN inventory.level l ON l.store_id = p_store AND l.variant_id = w.id)
  INSERT INTO inventory.reservation_line (store_id, reservation_id, variant_id, location_id, quantity)
  SELECT p_store, w.id, w.variant_id, l.location_id, w.quantity
  FROM unnest(p_reservations, p_variants, p_quantities) AS w(id, variant_id, quantity)
  JOIN place l ON l.variant_id = w.variant_id;

  WITH changed AS (
    UPDATE inventory.level l
    SET reserved = l.reserved + w.wanted, version = l.version + 1, updated_at = now()
    FROM (SELECT t.variant_id, sum(t.quantity)::bigint AS wanted
          FROM unnest(p_variants, p_quantities) AS t(variant_id, quantity) GROUP BY t.variant_id) w
    WHERE l.store_id = p_store AND l.variant_id = w.variant_id AND (l.backorder OR l.on_hand - l.reserved >= w.wanted)
    RETURNING l.product_id, w.wanted)
  SELECT sum(c.wanted), array_agg(DISTINCT c.product_id) INTO v_taken, v_products FROM changed c;
  IF v_taken IS DISTINCT FROM v_units THEN
    RAISE EXCEPTION 'claim of a batch: % units wanted, % taken under lock', v_units, v_taken;
  END IF;
  PERFORM inventory.announce(v_products, p_changed);
END $$;
