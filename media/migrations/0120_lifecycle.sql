-- An asset is `ready` as soon as it can be shown, and `complete` when all its variants are made. Whatever begins the work anew
-- begins a new edition; a run of an older edition can write nothing any more.
ALTER TABLE media.asset
  ADD COLUMN complete   boolean NOT NULL DEFAULT false,
  ADD COLUMN edition    integer NOT NULL DEFAULT 1,
  ADD COLUMN visibility text    NOT NULL DEFAULT 'public' CHECK (visibility IN ('public', 'private')),
  -- The point that crops keep, in fractions of width and height; null: what catches the eye.
  ADD COLUMN focal_x    real    CHECK (focal_x BETWEEN 0 AND 1),
  ADD COLUMN focal_y    real    CHECK (focal_y BETWEEN 0 AND 1);
UPDATE media.asset SET complete = true WHERE status = 'ready';

-- Pages ask by id alone; whether an original is still in use is asked by hash, across stores.
CREATE UNIQUE INDEX asset_id ON media.asset (id);
CREATE INDEX asset_sha256 ON media.asset (sha256);

-- Files in storage that may be in nobody's use when `due` comes. The protocol is told in media/files.ts.
CREATE TABLE media.file (
  storage_key text        PRIMARY KEY,
  due         timestamptz NOT NULL
);
CREATE INDEX file_due ON media.file (due);

-- Who is about to write a file and to name it in a row.
CREATE TABLE media.claim (
  storage_key text        NOT NULL,
  holder      text        NOT NULL,
  until       timestamptz NOT NULL,
  PRIMARY KEY (storage_key, holder)
);

-- When storage was last searched for files that no row knows.
CREATE TABLE media.search (last timestamptz NOT NULL);
INSERT INTO media.search VALUES (now());
