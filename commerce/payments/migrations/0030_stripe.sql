-- What we have asked Stripe for, written before it is asked: with it the same request can be made again, and so an answer
-- that was lost be heard. stripe_id NULL: not known yet. voided: the intent must not be authorised any more.
CREATE TABLE payments.stripe_intent (
  store_id     text        NOT NULL,
  intent_id    text        NOT NULL,
  amount_minor bigint      NOT NULL,
  currency     text        NOT NULL,
  stripe_id    text,
  voided       boolean     NOT NULL DEFAULT false,
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, intent_id)
);

-- What providers told us by themselves, each once. intent_id: ours, as the event names it.
CREATE TABLE payments.event (
  provider    text        NOT NULL,
  id          text        NOT NULL,
  type        text        NOT NULL,
  store_id    text        NOT NULL,
  intent_id   text        NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (provider, id)
);

-- Keeps an event and enqueues its jobs, once; false when it had come before.
CREATE FUNCTION payments.receive(p_event jsonb, p_rows jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO payments.event (provider, id, type, store_id, intent_id)
  VALUES (p_event ->> 'provider', p_event ->> 'id', p_event ->> 'type', p_event ->> 'storeId', p_event ->> 'intentId')
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM bus.enqueue(p_rows);
  RETURN true;
END $$;

-- The order that an intent is for; NULL when there is no such intent.
CREATE FUNCTION payments.order_of(p_store text, p_intent text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT i.order_id FROM payments.intent i WHERE i.store_id = p_store AND i.id = p_intent
$$;
