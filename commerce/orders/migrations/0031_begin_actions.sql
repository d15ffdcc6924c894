-- The first step of each action: everything that is decided in Postgres, in one transaction. All take the order's lock
-- first, so that the actions of one order follow one another. Locks: order, intent | reservation, locations, levels.
-- p_action: { id, key, fingerprint, author, reason, traceparent } and what the kind wants.
-- outcome: begun (with status: done, or requested when the provider has to be asked), known (this key's action, with its id),
-- key_reused, missing, wrong_state, busy, or a refusal of the kind.

-- Locks the order and says what keeps an action from it; NULL: nothing.
CREATE FUNCTION orders.refusal(o orders.order, p_action jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  a orders.action;
BEGIN
  SELECT * INTO a FROM orders.action x WHERE x.store_id = o.store_id AND x.key = p_action ->> 'key';
  IF a.id IS NULL THEN RETURN NULL; END IF;
  IF a.order_id <> o.id OR a.fingerprint <> p_action ->> 'fingerprint' THEN RETURN '{"outcome": "key_reused"}'; END IF;
  RETURN jsonb_build_object('outcome', 'known', 'id', a.id);
END $$;

CREATE FUNCTION orders.record(o orders.order, p_kind text, p_status text, p_action jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO orders.action (store_id, id, order_id, kind, status, key, fingerprint, author, reason, traceparent, carrier,
                             tracking_number, amount_minor, goods_minor, shipping_minor, tax_minor, adjustment_minor,
                             tax_included, settled_at)
  SELECT o.store_id, p_action ->> 'id', o.id, p_kind, p_status, p_action ->> 'key', p_action ->> 'fingerprint',
         p_action ->> 'author', p_action ->> 'reason', p_action ->> 'traceparent', p_action ->> 'carrier',
         p_action ->> 'trackingNumber', coalesce((p_action ->> 'amountMinor')::bigint, 0),
         coalesce((p_action ->> 'goodsMinor')::bigint, 0), coalesce((p_action ->> 'shippingMinor')::bigint, 0),
         coalesce((p_action ->> 'taxMinor')::bigint, 0), coalesce((p_action ->> 'adjustmentMinor')::bigint, 0),
         o.tax_included, CASE WHEN p_status = 'done' THEN now() END;
  UPDATE orders.order x SET acted = true WHERE x.store_id = o.store_id AND x.id = o.id;
END $$;

-- The share of an amount that units p_from+1 … p_from+p_units of p_of have. The shares of all units make the amount.
CREATE FUNCTION orders.share(p_amount bigint, p_from integer, p_units integer, p_of integer) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT p_amount * (p_from + p_units) / p_of - p_amount * p_from / p_of
$$;

-- Cancels an order of which nothing was sent. Its stock comes back (but for units that were refunded before: those came
-- back then, or did not), and its money: an authorisation is to be voided (the intent is `voiding` after this), a payment
-- that was captured is to be refunded. p_rows are enqueued.
CREATE FUNCTION orders.begin_cancel(p_store text, p_order text, p_action jsonb, p_changed jsonb, p_rows jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  o orders.order;
  v_refusal jsonb;
  v_rest bigint;
  v_voided boolean;
  v_units bigint;
BEGIN
  SELECT * INTO o FROM orders.order x WHERE x.store_id = p_store AND x.id = p_order FOR UPDATE;
  IF o.id IS NULL THEN RETURN '{"outcome": "missing"}'; END IF;
  v_refusal := orders.refusal(o, p_action);
  IF v_refusal IS NOT NULL THEN RETURN v_refusal; END IF;
  IF o.status <> 'placed' OR o.fulfilment_status <> 'unfulfilled' THEN
    RETURN jsonb_build_object('outcome', 'wrong_state', 'status', o.status, 'fulfilmentStatus', o.fulfilment_status);
  END IF;
  IF EXISTS (SELECT 1 FROM orders.action a
             WHERE a.store_id = p_store AND a.order_id = p_order AND a.status = 'requested') THEN
    RETURN '{"outcome": "busy"}';
  END IF;

  v_voided := payments.move(p_store, o.intent_id, '{authorised}', 'voiding');
  v_rest := CASE WHEN v_voided OR o.payment_status IN ('voided', 'refunded') THEN 0 ELSE o.total_minor - o.refunded_minor END;
  IF v_rest > 0 AND NOT payments.promise_refund(p_store, p_action ->> 'id', o.intent_id, v_rest) THEN
    RAISE EXCEPTION 'cancel of %: % can not be refunded', p_order, v_rest;
  END IF;
  v_units := inventory.restore(p_store, o.reservation_id, (
    SELECT jsonb_agg(jsonb_build_object('variantId', l.variant_id, 'quantity', l.quantity - l.refunded))
    FROM orders.line l WHERE l.store_id = p_store AND l.order_id = p_order AND l.quantity > l.refunded),
    'cancel', p_action ->> 'author', p_changed);
  UPDATE orders.order x
  SET status = 'cancelled', cancelled_at = now(), refunded_minor = x.refunded_minor + v_rest,
      payment_status = CASE WHEN v_voided THEN 'voided' ELSE x.payment_status END
  WHERE x.store_id = p_store AND x.id = p_order;
  PERFORM orders.record(o, 'cancel', CASE WHEN v_rest > 0 THEN 'requested' ELSE 'done' END,
    p_action || jsonb_build_object('amountMinor', v_rest, 'adjustmentMinor', v_rest));
  PERFORM orders.tell(p_store, p_order, 'order.cancelled', jsonb_strip_nulls(jsonb_build_object(
    'reason', p_action -> 'reason', 'restocked', v_units, 'refundMinor', nullif(v_rest, 0))), p_action ->> 'author');
  PERFORM bus.enqueue(p_rows);
  RETURN jsonb_build_object('outcome', 'begun', 'status', CASE WHEN v_rest > 0 THEN 'requested' ELSE 'done' END,
                            'voiding', v_voided);
END $$;

-- Refunds lines (p_action.lines: [{ variantId, quantity, restock }]), shipping, a free amount, or with none of them all
-- that is left. The refusals: too_much (more than is left), lines (more units than are left, with those lines), nothing.
-- An authorisation is to be captured first.
CREATE FUNCTION orders.begin_refund(p_store text, p_order text, p_action jsonb, p_changed jsonb, p_rows jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  o orders.order;
  v_refusal jsonb;
  v_whole boolean := p_action ->> 'lines' IS NULL AND p_action ->> 'amountMinor' IS NULL
                     AND NOT coalesce((p_action ->> 'shipping')::boolean, false);
  v_lines jsonb;
  v_bad jsonb;
  v_parts jsonb;
  v_status text;
BEGIN
  SELECT * INTO o FROM orders.order x WHERE x.store_id = p_store AND x.id = p_order FOR UPDATE;
  IF o.id IS NULL THEN RETURN '{"outcome": "missing"}'; END IF;
  v_refusal := orders.refusal(o, p_action);
  IF v_refusal IS NOT NULL THEN RETURN v_refusal; END IF;
  IF o.status NOT IN ('placed', 'completed', 'cancelled')
     OR o.payment_status NOT IN ('authorised', 'captured', 'partially_refunded') THEN
    RETURN jsonb_build_object('outcome', 'wrong_state', 'status', o.status, 'paymentStatus', o.payment_status);
  END IF;

  -- The lines with the units and the shares of their amounts.
  SELECT jsonb_agg(jsonb_build_object('position', l.position, 'variantId', w."variantId", 'quantity', w.quantity,
           'restock', coalesce(w.restock, false), 'withdrawn', least(w.quantity, l.quantity - l.fulfilled - l.withdrawn),
           'amountMinor', orders.share(l.total_minor, l.refunded, w.quantity, l.quantity),
           'taxMinor', orders.share(l.tax_minor, l.refunded, w.quantity, l.quantity)) ORDER BY l.position),
         jsonb_agg(jsonb_build_object('variantId', w."variantId", 'requested', w.quantity,
           'left', coalesce(l.quantity - l.refunded, 0))) FILTER (WHERE l.position IS NULL OR w.quantity > l.quantity - l.refunded)
  INTO v_lines, v_bad
  FROM (SELECT r."variantId", r.quantity, r.restock
        FROM jsonb_to_recordset(nullif(p_action -> 'lines', 'null')) AS r("variantId" text, quantity integer, restock boolean)
        UNION ALL
        SELECT a.variant_id, a.quantity - a.refunded, (p_action ->> 'restock')::boolean FROM orders.line a
        WHERE v_whole AND a.store_id = p_store AND a.order_id = p_order AND a.quantity > a.refunded) w
  LEFT JOIN orders.line l ON l.store_id = p_store AND l.order_id = p_order AND l.variant_id = w."variantId";
  IF v_bad IS NOT NULL THEN RETURN jsonb_build_object('outcome', 'lines', 'lines', v_bad); END IF;

  v_parts := orders.refund_parts(o, p_action, coalesce(v_lines, '[]'), v_whole);
  IF (v_parts ->> 'amountMinor')::bigint > o.total_minor - o.refunded_minor THEN
    RETURN jsonb_build_object('outcome', 'too_much', 'requestedMinor', v_parts -> 'amountMinor',
                              'remainingMinor', o.total_minor - o.refunded_minor);
  END IF;
  IF (v_parts ->> 'amountMinor')::bigint = 0 AND v_lines IS NULL THEN RETURN '{"outcome": "nothing"}'; END IF;

  v_status := CASE WHEN (v_parts ->> 'amountMinor')::bigint > 0 THEN 'requested' ELSE 'done' END;
  IF v_status = 'requested' THEN
    PERFORM payments.promise_capture(p_store, o.intent_id);
    IF NOT payments.promise_refund(p_store, p_action ->> 'id', o.intent_id, (v_parts ->> 'amountMinor')::bigint) THEN
      RAISE EXCEPTION 'refund of %: % can not be refunded', p_order, v_parts;
    END IF;
  END IF;
  UPDATE orders.order x
  SET refunded_minor = x.refunded_minor + (v_parts ->> 'amountMinor')::bigint,
      shipping_refunded = x.shipping_refunded OR v_whole OR coalesce((p_action ->> 'shipping')::boolean, false)
  WHERE x.store_id = p_store AND x.id = p_order;
  PERFORM orders.record(o, 'refund', v_status, p_action || v_parts);
  PERFORM orders.refund_lines(o, p_action, coalesce(v_lines, '[]'), p_changed);
  PERFORM orders.tell(p_store, p_order, 'refund.requested', jsonb_strip_nulls(jsonb_build_object('refundId', p_action -> 'id',
    'amountMinor', v_parts -> 'amountMinor', 'reason', p_action -> 'reason')), p_action ->> 'author');
  IF v_status = 'done' THEN
    PERFORM orders.refresh_fulfilment(p_store, p_order);
    PERFORM bus.enqueue(p_rows);
  END IF;
  RETURN jsonb_build_object('outcome', 'begun', 'status', v_status);
END $$;

-- What a refund comes to. A whole one is what is left, to the unit; the adjustment is what the parts don't explain (free
-- amounts that went back before).
CREATE FUNCTION orders.refund_parts(o orders.order, p_action jsonb, p_lines jsonb, p_whole boolean) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_goods bigint;
  v_tax bigint;
  v_shipping bigint := 0;
  v_sum bigint;
  v_amount bigint;
BEGIN
  SELECT coalesce(sum(l."amountMinor"), 0), coalesce(sum(l."taxMinor"), 0) INTO v_goods, v_tax
  FROM jsonb_to_recordset(p_lines) AS l("amountMinor" bigint, "taxMinor" bigint);
  IF (p_whole OR coalesce((p_action ->> 'shipping')::boolean, false)) AND NOT o.shipping_refunded THEN
    v_shipping := o.shipping_minor;
    v_tax := v_tax + o.shipping_tax_minor;
  END IF;
  v_sum := v_goods + v_shipping + CASE WHEN o.tax_included THEN 0 ELSE v_tax END;
  v_amount := CASE WHEN p_whole THEN o.total_minor - o.refunded_minor
                   ELSE coalesce((p_action ->> 'amountMinor')::bigint, v_sum) END;
  RETURN jsonb_build_object('amountMinor', v_amount, 'goodsMinor', v_goods, 'shippingMinor', v_shipping,
                            'taxMinor', v_tax, 'adjustmentMinor', v_amount - v_sum);
END $$;

-- The units of a refund: counted, and given back to stock where they are to be.
CREATE FUNCTION orders.refund_lines(o orders.order, p_action jsonb, p_lines jsonb, p_changed jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO orders.action_line (store_id, action_id, position, variant_id, quantity, amount_minor, tax_minor, withdrawn, restock)
  SELECT o.store_id, p_action ->> 'id', l.position, l."variantId", l.quantity, l."amountMinor", l."taxMinor", l.withdrawn, l.restock
  FROM jsonb_to_recordset(p_lines) AS l(position smallint, "variantId" text, quantity integer, "amountMinor" bigint,
       "taxMinor" bigint, withdrawn integer, restock boolean);
  UPDATE orders.line l SET refunded = l.refunded + a.quantity, withdrawn = l.withdrawn + a.withdrawn
  FROM orders.action_line a
  WHERE a.store_id = o.store_id AND a.action_id = p_action ->> 'id'
    AND l.store_id = o.store_id AND l.order_id = o.id AND l.position = a.position;
  IF EXISTS (SELECT 1 FROM orders.action_line a
             WHERE a.store_id = o.store_id AND a.action_id = p_action ->> 'id' AND a.restock) THEN
    PERFORM inventory.restore(o.store_id, o.reservation_id, (
      SELECT jsonb_agg(jsonb_build_object('variantId', a.variant_id, 'quantity', a.quantity))
      FROM orders.action_line a WHERE a.store_id = o.store_id AND a.action_id = p_action ->> 'id' AND a.restock),
      'refund', p_action ->> 'author', p_changed);
  END IF;
END $$;

-- Sends lines (p_action.lines: [{ variantId, quantity }]; without them all that is left). The money is taken with the
-- first of them: the authorisation is to be captured. The refusals: lines (more units than are left), nothing.
CREATE FUNCTION orders.begin_fulfilment(p_store text, p_order text, p_action jsonb, p_rows jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  o orders.order;
  v_refusal jsonb;
  v_lines jsonb;
  v_bad jsonb;
BEGIN
  SELECT * INTO o FROM orders.order x WHERE x.store_id = p_store AND x.id = p_order FOR UPDATE;
  IF o.id IS NULL THEN RETURN '{"outcome": "missing"}'; END IF;
  v_refusal := orders.refusal(o, p_action);
  IF v_refusal IS NOT NULL THEN RETURN v_refusal; END IF;
  IF o.status <> 'placed' OR o.payment_status NOT IN ('authorised', 'captured', 'partially_refunded') THEN
    RETURN jsonb_build_object('outcome', 'wrong_state', 'status', o.status, 'paymentStatus', o.payment_status);
  END IF;

  SELECT jsonb_agg(jsonb_build_object('position', l.position, 'variantId', w."variantId", 'quantity', w.quantity)),
         jsonb_agg(jsonb_build_object('variantId', w."variantId", 'requested', w.quantity,
           'left', coalesce(l.quantity - l.fulfilled - l.withdrawn, 0)))
           FILTER (WHERE l.position IS NULL OR w.quantity > l.quantity - l.fulfilled - l.withdrawn)
  INTO v_lines, v_bad
  FROM (SELECT r."variantId", r.quantity
        FROM jsonb_to_recordset(nullif(p_action -> 'lines', 'null')) AS r("variantId" text, quantity integer)
        UNION ALL
        SELECT a.variant_id, a.quantity - a.fulfilled - a.withdrawn FROM orders.line a
        WHERE p_action ->> 'lines' IS NULL AND a.store_id = p_store AND a.order_id = p_order
          AND a.quantity > a.fulfilled + a.withdrawn) w
  LEFT JOIN orders.line l ON l.store_id = p_store AND l.order_id = p_order AND l.variant_id = w."variantId";
  IF v_bad IS NOT NULL THEN RETURN jsonb_build_object('outcome', 'lines', 'lines', v_bad); END IF;
  IF v_lines IS NULL THEN RETURN '{"outcome": "nothing"}'; END IF;

  PERFORM orders.record(o, 'fulfilment', 'requested', p_action);
  INSERT INTO orders.action_line (store_id, action_id, position, variant_id, quantity)
  SELECT p_store, p_action ->> 'id', l.position, l."variantId", l.quantity
  FROM jsonb_to_recordset(v_lines) AS l(position smallint, "variantId" text, quantity integer);
  UPDATE orders.line l SET fulfilled = l.fulfilled + a.quantity
  FROM orders.action_line a
  WHERE a.store_id = p_store AND a.action_id = p_action ->> 'id'
    AND l.store_id = p_store AND l.order_id = p_order AND l.position = a.position;
  IF payments.promise_capture(p_store, o.intent_id) = 'captured' THEN
    PERFORM orders.settle(p_store, p_action ->> 'id', 'done', NULL, p_rows);
    RETURN '{"outcome": "begun", "status": "done"}';
  END IF;
  RETURN '{"outcome": "begun", "status": "requested"}';
END $$;
