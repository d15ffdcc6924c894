CREATE SCHEMA payments;

-- created → authorised → captured; created → declined; created | authorised → voiding → voided. An intent is written
-- before the provider hears of it: its id is what we ask the provider by when an answer was lost. voiding is the
-- promise to void at the provider; a sweep keeps it when the process that made it died.
CREATE TABLE payments.intent (
  store_id     text        NOT NULL,
  id           text        NOT NULL,
  order_id     text        NOT NULL,
  provider     text        NOT NULL,
  amount_minor bigint      NOT NULL CHECK (amount_minor >= 0),
  currency     text        NOT NULL,
  status       text        NOT NULL DEFAULT 'created'
               CHECK (status IN ('created', 'authorised', 'captured', 'declined', 'voiding', 'voided')),
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, id)
);
CREATE INDEX intent_order ON payments.intent (store_id, order_id);
CREATE INDEX intent_voiding ON payments.intent (updated_at) WHERE status = 'voiding';

-- The books of the provider "test", which plays a company outside: written on connections of its own, never in our
-- transactions, so that it remembers what we have lost.
CREATE TABLE payments.test_charge (
  store_id     text        NOT NULL,
  intent_id    text        NOT NULL,
  amount_minor bigint      NOT NULL,
  currency     text        NOT NULL,
  status       text        NOT NULL CHECK (status IN ('authorised', 'captured', 'declined', 'voided')),
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, intent_id)
);

CREATE FUNCTION payments.intend(p_store text, p_intent text, p_order text, p_provider text, p_amount bigint,
                                p_currency text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO payments.intent (store_id, id, order_id, provider, amount_minor, currency)
  VALUES (p_store, p_intent, p_order, p_provider, p_amount, p_currency)
$$;

-- Moves an intent from one of p_from to p_to; false when it was elsewhere.
CREATE FUNCTION payments.move(p_store text, p_intent text, p_from text[], p_to text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE payments.intent i SET status = p_to, updated_at = now()
  WHERE i.store_id = p_store AND i.id = p_intent AND i.status = ANY (p_from);
  RETURN FOUND;
END $$;
