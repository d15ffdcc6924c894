-- Sizes that a store has declared beside those of the plan. They never change: another size is another name.
CREATE TABLE media.preset (
  store_id   text        NOT NULL,
  name       text        NOT NULL CHECK (name ~ '^[a-z][a-z0-9-]{0,31}$'),
  width      integer     NOT NULL CHECK (width BETWEEN 1 AND 1920),
  height     integer     NOT NULL CHECK (height BETWEEN 1 AND 3840),
  crop       boolean     NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, name)
);

-- Bringing all assets of a store in line with its sizes. `checkpoint` is the last asset that was looked at.
CREATE TABLE media.backfill (
  store_id     text        NOT NULL,
  id           text        NOT NULL,
  status       text        NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'done')),
  done         integer     NOT NULL DEFAULT 0,
  total        integer     NOT NULL DEFAULT 0,
  checkpoint   text        NOT NULL DEFAULT '',
  requested_at timestamptz NOT NULL DEFAULT now(),
  finished_at  timestamptz,
  PRIMARY KEY (store_id, id)
);
CREATE INDEX asset_unfinished ON media.asset (store_id) WHERE NOT complete AND status <> 'failed';
