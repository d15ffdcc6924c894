CREATE SCHEMA imports;

-- One uploaded product file. checkpoint is the number of records (blank ones included) whose outcome is committed, at
-- which another try goes on; rows, products … count what was found in them. errors holds the first thousand bad rows as [{row, column, message}]; error_count counts all of them.
CREATE TABLE imports.import (
  store_id    text        NOT NULL,
  id          text        NOT NULL,
  status      text        NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'done', 'failed')),
  file_name   text        NOT NULL,
  storage_key text        NOT NULL,
  bytes       bigint      NOT NULL,
  inventory   text        NOT NULL DEFAULT 'new' CHECK (inventory IN ('new', 'set')),
  checkpoint  integer     NOT NULL DEFAULT 0,
  rows        integer     NOT NULL DEFAULT 0,
  products    integer     NOT NULL DEFAULT 0,
  variants    integer     NOT NULL DEFAULT 0,
  created     integer     NOT NULL DEFAULT 0,
  updated     integer     NOT NULL DEFAULT 0,
  unchanged   integer     NOT NULL DEFAULT 0,
  error_count integer     NOT NULL DEFAULT 0,
  errors      jsonb       NOT NULL DEFAULT '[]',
  reason      text,
  created_at  timestamptz NOT NULL DEFAULT now(),
  started_at  timestamptz,
  finished_at timestamptz,
  PRIMARY KEY (store_id, id)
);
