CREATE SCHEMA stores;

CREATE TABLE stores.store (
  id         text        PRIMARY KEY,
  name       text        NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
  currency   text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Keys are kept as SHA-256 only. They are 160 random bits, so a slow hash would add nothing. An ops key spans the
-- deployment and has no store.
CREATE TABLE stores.api_key (
  id           text        PRIMARY KEY,
  store_id     text        REFERENCES stores.store (id),
  kind         text        NOT NULL CHECK (kind IN ('publishable', 'secret', 'ops')),
  name         text        NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
  hash         bytea       NOT NULL UNIQUE,
  prefix       text        NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz,
  revoked_at   timestamptz,
  CHECK ((kind = 'ops') = (store_id IS NULL))
);
CREATE INDEX api_key_store ON stores.api_key (store_id, id);
