-- view: looks at everything that the key opens and changes nothing. Shop fronts have nothing to look at only.
ALTER TABLE stores.api_key
  ADD COLUMN role text NOT NULL DEFAULT 'operate' CHECK (role IN ('view', 'operate')),
  ADD CONSTRAINT api_key_role_of_kind CHECK (role = 'operate' OR kind <> 'publishable');

-- A person in the web console: at most one ops key and one store's secret key, each with the role it was entered with.
-- The token is kept as SHA-256 only. A session is worth what its keys are: a revoked key drops out of it.
CREATE TABLE stores.console_session (
  hash         bytea       PRIMARY KEY,
  ops_key_id   text        REFERENCES stores.api_key (id),
  ops_role     text        CHECK (ops_role IN ('view', 'operate')),
  store_key_id text        REFERENCES stores.api_key (id),
  store_role   text        CHECK (store_role IN ('view', 'operate')),
  created_at   timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  CHECK (ops_key_id IS NOT NULL OR store_key_id IS NOT NULL),
  CHECK ((ops_key_id IS NULL) = (ops_role IS NULL)),
  CHECK ((store_key_id IS NULL) = (store_role IS NULL))
);
CREATE INDEX console_session_end ON stores.console_session (expires_at);
