-- The last steps of actions, after the provider has answered. Each is one transaction and does nothing when it was done
-- before.

-- The provider's answer to our capture: p_state captured, or what stands instead (voided, declined). True for the one call
-- that did it.
CREATE FUNCTION orders.settle_capture(p_store text, p_order text, p_state text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  o orders.order;
BEGIN
  SELECT * INTO o FROM orders.order x WHERE x.store_id = p_store AND x.id = p_order FOR UPDATE;
  IF NOT payments.move(p_store, o.intent_id, '{capturing}', CASE p_state WHEN 'captured' THEN 'captured' ELSE 'voided' END) THEN
    RETURN false;
  END IF;
  UPDATE orders.order x SET payment_status = CASE p_state WHEN 'captured' THEN 'captured' ELSE 'voided' END
  WHERE x.store_id = p_store AND x.id = p_order;
  PERFORM orders.tell(p_store, p_order, CASE p_state WHEN 'captured' THEN 'payment.captured' ELSE 'payment.lost' END,
    jsonb_build_object('amountMinor', o.total_minor), NULL);
  RETURN true;
END $$;

-- requested → p_status (done | failed) with all that follows. True for the one call that did it. p_rows are enqueued when
-- it is done.
CREATE FUNCTION orders.settle(p_store text, p_action text, p_status text, p_error text, p_rows jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  a orders.action;
BEGIN
  PERFORM 1 FROM orders.order o
  WHERE o.store_id = p_store
    AND o.id = (SELECT x.order_id FROM orders.action x WHERE x.store_id = p_store AND x.id = p_action) FOR UPDATE;
  UPDATE orders.action x SET status = p_status, error = p_error, settled_at = now()
  WHERE x.store_id = p_store AND x.id = p_action AND x.status = 'requested' RETURNING x.* INTO a;
  IF a.id IS NULL THEN RETURN false; END IF;

  IF a.amount_minor > 0 THEN
    PERFORM payments.settle_refund(p_store, a.id, CASE p_status WHEN 'done' THEN 'done' ELSE 'refused' END);
  END IF;
  IF p_status = 'failed' THEN
    PERFORM orders.undo(a);
  ELSIF a.amount_minor > 0 THEN
    UPDATE orders.order o
    SET payment_status = CASE WHEN s.refunded >= o.total_minor THEN 'refunded' ELSE 'partially_refunded' END
    FROM (SELECT sum(x.amount_minor) AS refunded FROM orders.action x
          WHERE x.store_id = p_store AND x.order_id = a.order_id AND x.status = 'done') s
    WHERE o.store_id = p_store AND o.id = a.order_id;
  END IF;
  IF p_status = 'done' THEN PERFORM orders.refresh_fulfilment(p_store, a.order_id); END IF;

  PERFORM orders.tell(p_store, a.order_id,
    (CASE a.kind WHEN 'fulfilment' THEN 'fulfilment.' ELSE 'refund.' END) || p_status,
    jsonb_strip_nulls(jsonb_build_object(CASE a.kind WHEN 'fulfilment' THEN 'fulfilmentId' ELSE 'refundId' END, a.id,
      'amountMinor', nullif(a.amount_minor, 0), 'carrier', a.carrier, 'trackingNumber', a.tracking_number,
      'error', p_error)), a.author);
  IF p_status = 'done' THEN PERFORM bus.enqueue(p_rows); END IF;
  RETURN true;
END $$;

-- Takes back what a failed action had promised. Units that went back to stock stay there: they are there.
CREATE FUNCTION orders.undo(a orders.action) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE orders.order o
  SET refunded_minor = o.refunded_minor - a.amount_minor,
      shipping_refunded = o.shipping_refunded AND a.shipping_minor = 0
  WHERE o.store_id = a.store_id AND o.id = a.order_id;
  UPDATE orders.line l
  SET fulfilled = l.fulfilled - CASE a.kind WHEN 'fulfilment' THEN i.quantity ELSE 0 END,
      refunded = l.refunded - CASE a.kind WHEN 'refund' THEN i.quantity ELSE 0 END,
      withdrawn = l.withdrawn - i.withdrawn
  FROM orders.action_line i
  WHERE i.store_id = a.store_id AND i.action_id = a.id
    AND l.store_id = a.store_id AND l.order_id = a.order_id AND l.position = i.position;
END $$;

-- fulfilment_status by what has been sent; an order of which nothing is left to send is completed.
CREATE FUNCTION orders.refresh_fulfilment(p_store text, p_order text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_sent bigint;
  v_due bigint;
BEGIN
  SELECT coalesce(sum(i.quantity), 0) INTO v_sent
  FROM orders.action a JOIN orders.action_line i ON i.store_id = a.store_id AND i.action_id = a.id
  WHERE a.store_id = p_store AND a.order_id = p_order AND a.kind = 'fulfilment' AND a.status = 'done';
  IF v_sent = 0 THEN RETURN; END IF;
  SELECT sum(l.quantity - l.withdrawn) INTO v_due FROM orders.line l WHERE l.store_id = p_store AND l.order_id = p_order;
  UPDATE orders.order o
  SET fulfilment_status = CASE WHEN v_sent >= v_due THEN 'fulfilled' ELSE 'partial' END,
      status = CASE WHEN v_sent >= v_due THEN 'completed' ELSE o.status END
  WHERE o.store_id = p_store AND o.id = p_order AND o.status = 'placed';
END $$;

-- Takes actions over that were not brought to their end; any number of sweeps may run.
CREATE FUNCTION orders.take_open(p_limit integer, p_after_ms integer)
RETURNS TABLE (store_id text, id text) LANGUAGE sql AS $$
  UPDATE orders.action a SET tried_at = now()
  FROM (SELECT x.store_id, x.id FROM orders.action x
        WHERE x.status = 'requested' AND x.tried_at <= now() - p_after_ms * interval '1 millisecond'
        ORDER BY x.tried_at LIMIT p_limit FOR UPDATE SKIP LOCKED) open
  WHERE a.store_id = open.store_id AND a.id = open.id
  RETURNING a.store_id, a.id
$$;
