-- What a store's originals take, kept by the database itself so that a quota can be held against it in the transaction
-- of the upload: the row's lock lets one upload of a store at a time pass.
CREATE TABLE media.usage (
  store_id text   PRIMARY KEY,
  assets   bigint NOT NULL,
  bytes    bigint NOT NULL
);
INSERT INTO media.usage SELECT store_id, count(*), sum(bytes) FROM media.asset GROUP BY store_id;

CREATE FUNCTION media.count_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO media.usage AS u VALUES (NEW.store_id, 1, NEW.bytes)
    ON CONFLICT (store_id) DO UPDATE SET assets = u.assets + 1, bytes = u.bytes + excluded.bytes;
  ELSE
    UPDATE media.usage SET assets = assets - 1, bytes = bytes - OLD.bytes WHERE store_id = OLD.store_id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER asset_usage AFTER INSERT OR DELETE ON media.asset FOR EACH ROW EXECUTE FUNCTION media.count_usage();

-- An upload that may be cut off and gone on with, or that goes to the bucket directly. `received` moves only together
-- with a new part.
CREATE TABLE media.upload (
  id         text        PRIMARY KEY,
  store_id   text        NOT NULL,
  bytes      bigint      NOT NULL,
  received   bigint      NOT NULL DEFAULT 0,
  filename   text,
  details    jsonb       NOT NULL,
  -- Set when it has become an asset.
  asset_id   text,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX upload_expiry ON media.upload (expires_at);
CREATE INDEX upload_open ON media.upload (store_id) WHERE asset_id IS NULL;

CREATE TABLE media.upload_part (
  upload_id   text   NOT NULL REFERENCES media.upload ON DELETE CASCADE,
  at          bigint NOT NULL,
  bytes       bigint NOT NULL,
  storage_key text   NOT NULL,
  PRIMARY KEY (upload_id, at)
);
