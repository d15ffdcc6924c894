-- Unique jobs (bus/unique.ts). A claim says which job stands for its key. It is never trusted: who meets one asks whether
-- that job is still open, so a claim that outlived its job holds nobody up.
CREATE TABLE bus.unique_job (
  kind       text        NOT NULL,
  store_id   text        NOT NULL,
  key        text        NOT NULL,
  job_id     uuid        NOT NULL,
  until      text        NOT NULL CHECK (until IN ('start', 'end')),
  claimed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (kind, store_id, key)
);
CREATE INDEX unique_job_job ON bus.unique_job (job_id);

-- Its worker asks before it starts (bus.start_unique).
ALTER TABLE bus.outbox ADD COLUMN is_unique boolean NOT NULL DEFAULT false;

CREATE FUNCTION bus.is_open(p_job uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM bus.outbox WHERE id = p_job)
      OR EXISTS (SELECT FROM bus.job WHERE id = p_job AND status IN ('queued', 'retrying'))
$$;

-- Enqueues one job, or lets the one that holds its key stand for it, in the caller's transaction. r: a row as
-- bus.enqueue takes it, with "unique": { key, mode, until, maxWaitMs? }.
-- outcome: enqueued, dropped (job_id is the holder), debounced (likewise), replaced (was: the holder, cancelled).
--
-- Until the caller commits, the holder's claim can't be released (FOR KEY SHARE against the worker's DELETE): a holder that
-- is about to start waits for the change that it is to see. Callers who share a key do not wait for one another here.
CREATE FUNCTION bus.enqueue_unique(r jsonb, OUT job_id uuid, OUT outcome text, OUT was uuid) LANGUAGE plpgsql AS $$
DECLARE
  u jsonb := r->'unique';
  v_id uuid := r->>'id';
  v_kind text := r->>'kind';
  v_store text := r->>'store_id';
  v_key text := u->>'key';
  v_delay interval := (r->>'delay_ms')::float8 * interval '1 millisecond';
  v_longest interval := coalesce((u->>'maxWaitMs')::float8 * interval '1 millisecond', interval '100 years');
BEGIN
  LOOP
    INSERT INTO bus.unique_job AS c (kind, store_id, key, job_id, until)
    VALUES (v_kind, v_store, v_key, v_id, u->>'until') ON CONFLICT DO NOTHING;
    IF FOUND THEN
      outcome := 'enqueued';
      EXIT;
    END IF;

    IF u->>'mode' = 'replace' THEN
      SELECT c.job_id INTO was FROM bus.unique_job c
      WHERE c.kind = v_kind AND c.store_id = v_store AND c.key = v_key FOR NO KEY UPDATE;
    ELSE
      SELECT c.job_id INTO was FROM bus.unique_job c
      WHERE c.kind = v_kind AND c.store_id = v_store AND c.key = v_key FOR KEY SHARE;
    END IF;
    CONTINUE WHEN NOT FOUND;

    IF u->>'mode' = 'debounce' THEN
      UPDATE bus.outbox o
      SET due_at = least(now() + v_delay, o.created_at + v_longest), payload = r->'payload',
          version = (r->>'version')::int, traceparent = r->>'traceparent'
      WHERE o.id = was AND o.attempt = 1;
      IF FOUND THEN
        job_id := was;
        outcome := 'debounced';
        was := NULL;
        RETURN;
      END IF;
    END IF;

    IF bus.is_open(was) AND u->>'mode' <> 'replace' THEN
      job_id := was;
      outcome := 'dropped';
      was := NULL;
      RETURN;
    END IF;
    outcome := 'enqueued';
    IF u->>'mode' = 'replace' AND
       (SELECT verdict FROM bus.cancel(was, 'replaced by ' || v_id)) IN ('cancelled', 'requested') THEN
      outcome := 'replaced';
    END IF;
    UPDATE bus.unique_job c SET job_id = v_id, until = u->>'until', claimed_at = now()
    WHERE c.kind = v_kind AND c.store_id = v_store AND c.key = v_key AND c.job_id = was;
    EXIT WHEN FOUND;
  END LOOP;
  IF outcome <> 'replaced' THEN was := NULL; END IF;

  INSERT INTO bus.outbox (id, attempt, kind, version, priority, store_id, key, payload, traceparent, due_at, is_unique)
  VALUES (v_id, (r->>'attempt')::int, v_kind, (r->>'version')::int, r->>'priority', v_store, r->>'key', r->'payload',
          r->>'traceparent', now() + v_delay, true);
  job_id := v_id;
END $$;

-- As before (0001), and rows with "unique" as bus.enqueue_unique says, in the order of their keys.
CREATE OR REPLACE FUNCTION bus.enqueue(rows jsonb) RETURNS void LANGUAGE sql AS $$
  INSERT INTO bus.outbox (id, attempt, kind, version, priority, store_id, key, payload, traceparent, due_at)
  SELECT r.id, r.attempt, r.kind, r.version, r.priority, r.store_id, r.key, r.payload, r.traceparent,
         now() + r.delay_ms * interval '1 millisecond'
  FROM jsonb_to_recordset(rows) AS r(id uuid, attempt integer, kind text, version integer, priority text,
       store_id text, key text, payload jsonb, traceparent text, delay_ms double precision, "unique" jsonb)
  WHERE r."unique" IS NULL;
  SELECT bus.enqueue_unique(s.r) FROM (
    SELECT r FROM jsonb_array_elements(rows) AS a(r) WHERE r ? 'unique'
    ORDER BY r->>'kind', r->>'store_id', r->'unique'->>'key'
  ) s
$$;

-- For a worker that is about to start unique jobs: gives up the claims that end at the start, but waits for none
-- (verdict `held`: ask for that one by itself), and tells which jobs are to be cancelled.
CREATE FUNCTION bus.start_unique(ids uuid[]) RETURNS TABLE (id uuid, verdict text) LANGUAGE sql AS $$
  WITH gone AS (
    DELETE FROM bus.unique_job u WHERE (u.kind, u.store_id, u.key) IN (
      SELECT c.kind, c.store_id, c.key FROM bus.unique_job c
      WHERE c.job_id = ANY (ids) AND c.until = 'start' FOR UPDATE SKIP LOCKED
    ) RETURNING u.job_id
  )
  SELECT c.job_id, 'held' FROM bus.unique_job c
  WHERE c.job_id = ANY (ids) AND c.until = 'start' AND NOT EXISTS (SELECT FROM gone g WHERE g.job_id = c.job_id)
  UNION ALL
  SELECT c.job_id, 'cancelled' FROM bus.cancellation c WHERE c.job_id = ANY (ids)
$$;
