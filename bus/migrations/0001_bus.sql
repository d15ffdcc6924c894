CREATE SCHEMA bus;

-- Messages to be published, not before due_at. Deleted when JetStream has acknowledged them.
CREATE TABLE bus.outbox (
  id          uuid        NOT NULL,
  attempt     integer     NOT NULL,
  kind        text        NOT NULL,
  version     integer     NOT NULL,
  priority    text        NOT NULL,
  store_id    text        NOT NULL,
  key         text        NOT NULL,
  payload     jsonb       NOT NULL,
  traceparent text        NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  due_at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id, attempt)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_scale_factor = 0.2);
CREATE INDEX outbox_due ON bus.outbox (due_at, id);
CREATE INDEX outbox_key ON bus.outbox (key);

-- Enqueues jobs in the caller's transaction. rows: an array of the objects of bus/outbox.ts.
CREATE FUNCTION bus.enqueue(rows jsonb) RETURNS void LANGUAGE sql AS $$
  INSERT INTO bus.outbox (id, attempt, kind, version, priority, store_id, key, payload, traceparent, due_at)
  SELECT r.id, r.attempt, r.kind, r.version, r.priority, r.store_id, r.key, r.payload, r.traceparent,
         now() + r.delay_ms * interval '1 millisecond'
  FROM jsonb_to_recordset(rows) AS r(id uuid, attempt integer, kind text, version integer, priority text,
       store_id text, key text, payload jsonb, traceparent text, delay_ms double precision)
$$;

-- The ledger: one row per job. status: queued, retrying, done, discarded, dead. A row with a terminal status is never
-- changed again, which is what makes "exactly one terminal row" hold when a late second run reports.
CREATE TABLE bus.job (
  id          uuid        NOT NULL,
  kind        text        NOT NULL,
  version     integer     NOT NULL,
  priority    text        NOT NULL,
  store_id    text        NOT NULL,
  key         text        NOT NULL,
  status      text        NOT NULL,
  attempt     integer     NOT NULL,
  traceparent text        NOT NULL,
  payload     jsonb,
  queued_at   timestamptz NOT NULL,
  started_at  timestamptz,
  finished_at timestamptz,
  worker      text,
  error       text,
  PRIMARY KEY (id)
) PARTITION BY RANGE (id);
-- Ids are UUIDv7, so a range of ids is a range of time; keepers add a partition per day (bus/partitions.ts).
CREATE TABLE bus.job_default PARTITION OF bus.job DEFAULT;
CREATE INDEX job_key ON bus.job (key, id);
CREATE INDEX job_kind ON bus.job (kind, id);
CREATE INDEX job_unhappy ON bus.job (status, id) WHERE status <> 'done';

-- Tries that the job row alone does not tell: failed ones, and those started on the slow path (a row without an
-- outcome whose worker is gone is a proven kill).
CREATE TABLE bus.job_try (
  job_id      uuid        NOT NULL,
  attempt     integer     NOT NULL,
  run         integer     NOT NULL,
  worker      text        NOT NULL,
  started_at  timestamptz NOT NULL,
  ended_at    timestamptz,
  outcome     text,
  error       text,
  traceparent text        NOT NULL,
  PRIMARY KEY (job_id, attempt, run)
);

-- A projection of the DEAD stream for search, grouping and replay.
CREATE TABLE bus.dead (
  id          text        PRIMARY KEY,
  job_id      uuid,
  kind        text        NOT NULL,
  version     integer     NOT NULL,
  store_id    text        NOT NULL,
  key         text        NOT NULL,
  payload     jsonb,
  raw         text,
  reason      text        NOT NULL,
  error       text        NOT NULL,
  stack       text,
  fingerprint text        NOT NULL,
  attempts    integer     NOT NULL,
  traceparent text        NOT NULL,
  died_at     timestamptz NOT NULL,
  status      text        NOT NULL DEFAULT 'open',
  settled_at  timestamptz,
  settled_note text,
  replayed_as uuid
);
CREATE INDEX dead_open ON bus.dead (died_at DESC, id) WHERE status = 'open';
CREATE INDEX dead_fingerprint ON bus.dead (fingerprint, died_at DESC) WHERE status = 'open';
CREATE INDEX dead_key ON bus.dead (key);
