CREATE SCHEMA customers;

-- email as it was typed (mails go there); email_key is what makes it one of a kind in its store: NFC, lower case.
CREATE TABLE customers.customer (
  store_id      text        NOT NULL,
  id            text        NOT NULL,
  email         text        NOT NULL,
  email_key     text        NOT NULL,
  password_hash text        NOT NULL,
  name          text,
  phone         text,
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, id),
  UNIQUE (store_id, email_key)
);

-- A session is a row; a revoked one is gone. The token is 160 random bits and kept as SHA-256 only.
CREATE TABLE customers.session (
  store_id    text        NOT NULL,
  token_hash  bytea       NOT NULL,
  customer_id text        NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  extended_at timestamptz NOT NULL DEFAULT now(),
  expires_at  timestamptz NOT NULL,
  PRIMARY KEY (store_id, token_hash),
  FOREIGN KEY (store_id, customer_id) REFERENCES customers.customer (store_id, id) ON DELETE CASCADE
);
CREATE INDEX session_customer ON customers.session (store_id, customer_id);
CREATE INDEX session_expiry ON customers.session (expires_at);

-- Somebody asked to set a new password. customer_id is NULL for a mail that nobody has: the row is written all the same,
-- so that the answer takes as long and does as much.
CREATE TABLE customers.password_reset (
  store_id    text        NOT NULL,
  id          text        NOT NULL,
  customer_id text,
  created_at  timestamptz NOT NULL DEFAULT now(),
  expires_at  timestamptz NOT NULL,
  used_at     timestamptz,
  PRIMARY KEY (store_id, id),
  FOREIGN KEY (store_id, customer_id) REFERENCES customers.customer (store_id, id) ON DELETE CASCADE
);
CREATE INDEX password_reset_expiry ON customers.password_reset (expires_at);
CREATE INDEX password_reset_customer ON customers.password_reset (store_id, customer_id);

-- The secrets that were mailed for a reset: one each time its mail was written (a crash may lead to two mails, and both
-- must work). Using one uses up the reset.
CREATE TABLE customers.reset_token (
  store_id   text  NOT NULL,
  token_hash bytea NOT NULL,
  reset_id   text  NOT NULL,
  PRIMARY KEY (store_id, token_hash),
  FOREIGN KEY (store_id, reset_id) REFERENCES customers.password_reset (store_id, id) ON DELETE CASCADE
);
CREATE INDEX reset_token_reset ON customers.reset_token (store_id, reset_id);

-- Writes a reset and its mail job (p_rows, made by the bus) in one statement, the same for mails that are known and not.
CREATE FUNCTION customers.request_reset(p_store text, p_email_key text, p_reset text, p_life_ms bigint, p_rows jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO customers.password_reset (store_id, id, customer_id, expires_at)
  VALUES (p_store, p_reset,
          (SELECT c.id FROM customers.customer c WHERE c.store_id = p_store AND c.email_key = p_email_key),
          now() + p_life_ms * interval '1 millisecond');
  PERFORM bus.enqueue(p_rows);
END $$;

-- Where mails to a customer go; for modules that hold nothing but the id. NULL for an unknown customer.
CREATE FUNCTION customers.email_of(p_store text, p_customer text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT c.email FROM customers.customer c WHERE c.store_id = p_store AND c.id = p_customer
$$;
