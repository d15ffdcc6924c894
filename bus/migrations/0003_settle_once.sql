-- As before (0002), but a retry is parked only when the ledger took it: a late second run that fails after the first
-- was done must not start the job again.
CREATE OR REPLACE FUNCTION bus.settle(
  ids uuid[], attempts int[], kinds text[], versions int[], priorities text[], stores text[], keys text[],
  statuses text[], traces text[], payloads text[], workers text[], queued float8[], started float8[], ended float8[],
  runs int[], errors text[], retry_after_ms float8[]
) RETURNS void LANGUAGE sql AS $$
  WITH t AS MATERIALIZED (
    SELECT * FROM unnest(ids, attempts, kinds, versions, priorities, stores, keys, statuses, traces, payloads, workers,
                         queued, started, ended, runs, errors, retry_after_ms)
      AS t(id, attempt, kind, version, priority, store_id, key, status, traceparent, payload, worker,
           queued, started, ended, run, error, retry_after_ms)
    ORDER BY id
  ), ledger AS (
    INSERT INTO bus.job AS j (id, kind, version, priority, store_id, key, status, attempt, traceparent, payload,
                              queued_at, started_at, finished_at, worker, error)
    SELECT DISTINCT ON (id) id, kind, version, priority, store_id, key, status, attempt, traceparent, payload::jsonb,
           to_timestamp(queued), to_timestamp(started),
           CASE WHEN status = 'retrying' THEN NULL ELSE to_timestamp(ended) END, worker, error
    FROM t ORDER BY id, attempt DESC
    ON CONFLICT (id) DO UPDATE SET
      status = excluded.status, attempt = excluded.attempt, started_at = excluded.started_at,
      finished_at = excluded.finished_at, worker = excluded.worker, error = excluded.error
    WHERE j.status IN ('queued', 'retrying') AND j.attempt <= excluded.attempt
    RETURNING j.id, j.attempt
  ), tries AS (
    INSERT INTO bus.job_try AS y (job_id, attempt, run, worker, started_at, ended_at, outcome, error, traceparent)
    SELECT id, attempt, coalesce(run, 0), worker, to_timestamp(started), to_timestamp(ended), status, error, traceparent
    FROM t WHERE status IN ('retrying', 'dead') OR attempt > 1 OR run IS NOT NULL
    ON CONFLICT (job_id, attempt, run) DO UPDATE
      SET ended_at = excluded.ended_at, outcome = excluded.outcome, error = excluded.error
      WHERE y.outcome IS NULL
  )
  INSERT INTO bus.outbox (id, attempt, kind, version, priority, store_id, key, payload, traceparent, created_at, due_at)
  SELECT t.id, t.attempt + 1, t.kind, t.version, t.priority, t.store_id, t.key, t.payload::jsonb, t.traceparent,
         to_timestamp(t.queued), now() + t.retry_after_ms * interval '1 millisecond'
  FROM t JOIN ledger l ON l.id = t.id AND l.attempt = t.attempt
  WHERE t.status = 'retrying'
  ON CONFLICT (id, attempt) DO NOTHING
$$;
