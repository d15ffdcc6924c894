-- Indexes that are made anew beside the one that answers (reindex.ts): how far they are.
CREATE TABLE search.build (
  store_id      text        NOT NULL,
  id            text        NOT NULL,
  shape         integer     NOT NULL,
  status        text        NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'building', 'done', 'failed')),
  -- Rises with each process that takes it on: what an earlier one still writes counts for nothing.
  run           integer     NOT NULL DEFAULT 0,
  -- The engine's name for the new index as it is, and the settings that it was made with.
  identity      text,
  settings_hash text,
  -- Every product up to this one was sent.
  checkpoint    text        NOT NULL DEFAULT '',
  done          bigint      NOT NULL DEFAULT 0,
  total         bigint      NOT NULL DEFAULT 0,
  error         text,
  requested_at  timestamptz NOT NULL DEFAULT now(),
  started_at    timestamptz,
  active_at     timestamptz NOT NULL DEFAULT now(),
  finished_at   timestamptz,
  PRIMARY KEY (store_id, id)
);
CREATE UNIQUE INDEX build_open ON search.build (store_id) WHERE status IN ('queued', 'building');

-- What the new index was sent. Gone when the build has ended.
CREATE TABLE search.built (
  build_id   text    NOT NULL,
  product_id text    NOT NULL,
  version    bigint  NOT NULL,
  -- The engine would not have it.
  refused    boolean NOT NULL DEFAULT false,
  PRIMARY KEY (build_id, product_id)
);

-- The shape of the documents that the index was filled with.
ALTER TABLE search.index ADD COLUMN shape integer NOT NULL DEFAULT 0;
