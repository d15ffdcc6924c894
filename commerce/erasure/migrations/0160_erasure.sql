CREATE SCHEMA erasure;

-- A person to be forgotten. queued → running → done. While it runs the row knows who; when it is done it does not any more.
-- phase and place: where the next step begins, so that a job that is run again goes on there.
CREATE TABLE erasure.request (
  store_id    text        NOT NULL,
  id          text        COLLATE "C" NOT NULL,
  status      text        NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'done')),
  email_key   text,
  customer_id text,
  -- What the person is called by: what error texts are searched for.
  words       text[]      NOT NULL DEFAULT '{}',
  phase       text        NOT NULL DEFAULT 'orders' CHECK (phase IN ('orders', 'carts', 'mails', 'texts')),
  place       text        NOT NULL DEFAULT '',
  account     boolean     NOT NULL DEFAULT false,
  orders      integer     NOT NULL DEFAULT 0,
  carts       integer     NOT NULL DEFAULT 0,
  mails       integer     NOT NULL DEFAULT 0,
  texts       integer     NOT NULL DEFAULT 0,
  created_at  timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  PRIMARY KEY (store_id, id),
  CHECK (status <> 'done' OR (email_key IS NULL AND customer_id IS NULL AND words = '{}'))
);
