-- authorised → capturing → captured | voided: capturing is the promise to capture at the provider. voided: the provider
-- says that the authorisation no longer stands.
ALTER TABLE payments.intent
  DROP CONSTRAINT intent_status_check,
  ADD CONSTRAINT intent_status_check
    CHECK (status IN ('created', 'authorised', 'capturing', 'captured', 'declined', 'voiding', 'voided'));

-- requested → done | refused. A refund is written before the provider hears of it, under our id, by which the provider
-- does it once however often it is asked.
CREATE TABLE payments.refund (
  store_id     text        NOT NULL,
  id           text        NOT NULL,
  intent_id    text        NOT NULL,
  amount_minor bigint      NOT NULL CHECK (amount_minor > 0),
  status       text        NOT NULL DEFAULT 'requested' CHECK (status IN ('requested', 'done', 'refused')),
  created_at   timestamptz NOT NULL DEFAULT now(),
  settled_at   timestamptz,
  PRIMARY KEY (store_id, id),
  FOREIGN KEY (store_id, intent_id) REFERENCES payments.intent (store_id, id)
);
CREATE INDEX refund_intent ON payments.refund (store_id, intent_id);

-- Refunds in the books of the provider "test".
CREATE TABLE payments.test_refund (
  store_id     text        NOT NULL,
  refund_id    text        NOT NULL,
  intent_id    text        NOT NULL,
  amount_minor bigint      NOT NULL,
  status       text        NOT NULL CHECK (status IN ('refunded', 'refused')),
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, refund_id)
);

-- Promises to capture and gives the state of the intent after that.
CREATE FUNCTION payments.promise_capture(p_store text, p_intent text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM payments.move(p_store, p_intent, '{authorised}', 'capturing');
  RETURN (SELECT i.status FROM payments.intent i WHERE i.store_id = p_store AND i.id = p_intent);
END $$;

-- Promises a refund; false when it, with those promised and made before, is more than was paid.
CREATE FUNCTION payments.promise_refund(p_store text, p_refund text, p_intent text, p_amount bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  v_paid bigint;
BEGIN
  SELECT i.amount_minor INTO v_paid FROM payments.intent i
  WHERE i.store_id = p_store AND i.id = p_intent AND i.status IN ('capturing', 'captured') FOR UPDATE;
  INSERT INTO payments.refund (store_id, id, intent_id, amount_minor)
  SELECT p_store, p_refund, p_intent, p_amount
  WHERE p_amount + (SELECT coalesce(sum(r.amount_minor), 0) FROM payments.refund r
                    WHERE r.store_id = p_store AND r.intent_id = p_intent AND r.status <> 'refused') <= v_paid;
  RETURN FOUND;
END $$;

-- requested → done | refused; true for the one call that did it.
CREATE FUNCTION payments.settle_refund(p_store text, p_refund text, p_status text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE payments.refund r SET status = p_status, settled_at = now()
  WHERE r.store_id = p_store AND r.id = p_refund AND r.status = 'requested';
  RETURN FOUND;
END $$;

-- The provider "test" refunds: once an id, and all refunds together no more than was captured.
CREATE FUNCTION payments.refund_test_charge(p_store text, p_intent text, p_refund text, p_amount bigint) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_charge payments.test_charge;
BEGIN
  SELECT * INTO v_charge FROM payments.test_charge c WHERE c.store_id = p_store AND c.intent_id = p_intent FOR UPDATE;
  INSERT INTO payments.test_refund (store_id, refund_id, intent_id, amount_minor, status)
  SELECT p_store, p_refund, p_intent, p_amount,
         CASE WHEN v_charge.status = 'captured' AND p_amount + coalesce(sum(r.amount_minor), 0) <= v_charge.amount_minor
              THEN 'refunded' ELSE 'refused' END
  FROM payments.test_refund r
  WHERE r.store_id = p_store AND r.intent_id = p_intent AND r.status = 'refunded' AND r.refund_id <> p_refund
  ON CONFLICT DO NOTHING;
  RETURN (SELECT r.status FROM payments.test_refund r WHERE r.store_id = p_store AND r.refund_id = p_refund);
END $$;
