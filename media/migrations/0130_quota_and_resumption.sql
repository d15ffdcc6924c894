-- What the originals of a store may take together, where it is another than the deployment's setting.
CREATE TABLE media.quota (
  store_id   text        PRIMARY KEY,
  max_bytes  bigint      NOT NULL CHECK (max_bytes >= 0),
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- What the client knows the file by: an upload that is begun again goes on. Few are open in a store, so no index.
ALTER TABLE media.upload ADD COLUMN fingerprint text;
