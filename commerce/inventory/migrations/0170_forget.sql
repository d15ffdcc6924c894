-- Levels of variants that leave the catalog for good. False, and nothing is changed, when units of any of them were ever
-- sold, are held, or are on their way between locations; known under the levels' locks, so that no checkout comes in
-- between. The ledger keeps what stood in it.
CREATE FUNCTION inventory.forget(p_store text, p_variants text[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM inventory.level l
  WHERE l.store_id = p_store AND l.variant_id = ANY (p_variants)
  ORDER BY l.variant_id, l.location_id FOR UPDATE;
  IF inventory.was_sold(p_store, p_variants)
     OR EXISTS (SELECT FROM inventory.level l
                WHERE l.store_id = p_store AND l.variant_id = ANY (p_variants) AND l.incoming > 0) THEN
    RETURN false;
  END IF;
  DELETE FROM inventory.level l WHERE l.store_id = p_store AND l.variant_id = ANY (p_variants);
  RETURN true;
END $$;

-- As before, but a variant that nobody knows makes no default location.
CREATE OR REPLACE FUNCTION inventory.adjust(p_store text, p_variant text, p_location text, p_delta bigint, p_reason text,
                                            p_author text, p_key text, p_changed jsonb, p_audit jsonb)
RETURNS TABLE (outcome text, level inventory.level) LANGUAGE plpgsql AS $$
DECLARE
  v_location text := p_location;
  v_product text;
  v_active boolean;
BEGIN
  IF v_location IS NULL THEN
    SELECT o.id INTO v_location FROM inventory.location o WHERE o.store_id = p_store AND o.is_default;
  END IF;
  IF v_location IS NULL THEN
    SELECT s.product_id INTO v_product FROM catalog.sellable(p_store, ARRAY[p_variant]) s;
    IF v_product IS NULL THEN outcome := 'no_variant'; RETURN NEXT; RETURN; END IF;
    v_location := inventory.default_location(p_store);
  END IF;
  -- Shared: a location can't become inactive while stock comes to it.
  SELECT o.active INTO v_active FROM inventory.location o WHERE o.store_id = p_store AND o.id = v_location FOR SHARE;
  IF v_active IS NULL THEN outcome := 'no_location'; RETURN NEXT; RETURN; END IF;
  IF NOT v_active THEN outcome := 'inactive_location'; RETURN NEXT; RETURN; END IF;
  SELECT * INTO level FROM inventory.level l
  WHERE l.store_id = p_store AND l.variant_id = p_variant AND l.location_id = v_location FOR UPDATE;
  v_product := level.product_id;
  IF v_product IS NULL THEN
    SELECT s.product_id INTO v_product FROM catalog.sellable(p_store, ARRAY[p_variant]) s;
    IF v_product IS NULL THEN outcome := 'no_variant'; RETURN NEXT; RETURN; END IF;
    -- Only stock that comes makes a level: one that can't be taken from nothing leaves no empty row behind.
    INSERT INTO inventory.level (store_id, variant_id, location_id, product_id)
    SELECT p_store, p_variant, v_location, v_product WHERE p_delta > 0 ON CONFLICT DO NOTHING;
    SELECT * INTO level FROM inventory.level l
    WHERE l.store_id = p_store AND l.variant_id = p_variant AND l.location_id = v_location FOR UPDATE;
  END IF;

  IF p_key IS NOT NULL THEN
    INSERT INTO inventory.adjustment_key (store_id, key) VALUES (p_store, p_key) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN outcome := 'repeated'; RETURN NEXT; RETURN; END IF;
  END IF;
  -- Backorders let sales go under 0, not counting.
  outcome := 'insufficient';
  UPDATE inventory.level l SET on_hand = l.on_hand + p_delta, version = l.version + 1, updated_at = now()
  WHERE l.store_id = p_store AND l.variant_id = p_variant AND l.location_id = v_location
    AND (p_delta > 0 OR l.on_hand + p_delta >= CASE WHEN l.backorder THEN 0 ELSE l.reserved END)
  RETURNING l.* INTO adjust.level;
  IF NOT FOUND THEN
    -- What did not happen leaves its key free.
    DELETE FROM inventory.adjustment_key k WHERE k.store_id = p_store AND k.key = p_key;
    SELECT * INTO level FROM inventory.level l
    WHERE l.store_id = p_store AND l.variant_id = p_variant AND l.location_id = v_location;
    RETURN NEXT;
    RETURN;
  END IF;
  outcome := 'applied';
  INSERT INTO inventory.adjustment (store_id, key, variant_id, location_id, delta, reason, author)
  VALUES (p_store, coalesce(p_key, 'api'), p_variant, v_location, p_delta, p_reason, p_author);
  PERFORM inventory.announce(ARRAY[v_product], p_changed);
  PERFORM audit.record(p_audit);
  RETURN NEXT;
END $$;
