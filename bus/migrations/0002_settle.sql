-- Ends a group of tries (bus/settle.ts). Arrays of equal length, one element per try.
-- Rows are taken in the order of ids, so that two groups which share a job can't deadlock.
CREATE FUNCTION bus.settle(
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
  ), tries AS (
    INSERT INTO bus.job_try AS y (job_id, attempt, run, worker, started_at, ended_at, outcome, error, traceparent)
    SELECT id, attempt, coalesce(run, 0), worker, to_timestamp(started), to_timestamp(ended), status, error, traceparent
    FROM t WHERE status IN ('retrying', 'dead') OR attempt > 1 OR run IS NOT NULL
    ON CONFLICT (job_id, attempt, run) DO UPDATE
      SET ended_at = excluded.ended_at, outcome = excluded.outcome, error = excluded.error
      WHERE y.outcome IS NULL
  )
  INSERT INTO bus.outbox (id, attempt, kind, version, priority, store_id, key, payload, traceparent, created_at, due_at)
  SELECT id, attempt + 1, kind, version, priority, store_id, key, payload::jsonb, traceparent,
         to_timestamp(queued), now() + retry_after_ms * interval '1 millisecond'
  FROM t WHERE status = 'retrying'
  ON CONFLICT (id, attempt) DO NOTHING
$$;

-- Opens a run on the slow path (bus/tries.ts). Runs of workers that no longer live are closed as kills first.
-- verdict: run (go ahead, under the returned number), settled (this try has already ended: only ack),
-- running (another live worker is at it).
CREATE FUNCTION bus.begin_run(
  p_job uuid, p_attempt int, p_worker text, p_alone boolean, p_traceparent text, p_live text[],
  OUT verdict text, OUT run int, OUT proven_kills int, OUT kills int
) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(p_job::text, 7));
  IF EXISTS (SELECT FROM bus.job WHERE id = p_job AND (status IN ('done', 'discarded', 'dead') OR attempt > p_attempt))
     OR EXISTS (SELECT FROM bus.job_try WHERE job_id = p_job AND attempt = p_attempt
                AND outcome IN ('done', 'discarded', 'dead', 'retrying')) THEN
    verdict := 'settled';
    RETURN;
  END IF;
  IF EXISTS (SELECT FROM bus.job_try WHERE job_id = p_job AND outcome IS NULL
             AND worker = ANY (p_live) AND worker <> p_worker) THEN
    verdict := 'running';
    RETURN;
  END IF;
  UPDATE bus.job_try SET ended_at = now(), outcome = 'killed', error = 'the worker died while it ran this job'
  WHERE job_id = p_job AND outcome IS NULL AND worker <> p_worker;
  SELECT count(*) FILTER (WHERE alone), count(*) INTO proven_kills, kills
  FROM bus.job_try WHERE job_id = p_job AND outcome = 'killed';
  SELECT coalesce(max(y.run), 0) + 1 INTO run FROM bus.job_try y WHERE job_id = p_job;
  INSERT INTO bus.job_try (job_id, attempt, run, worker, started_at, traceparent, alone)
  VALUES (p_job, p_attempt, run, p_worker, now(), p_traceparent, p_alone);
  verdict := 'run';
END $$;
ALTER TABLE bus.job_try ADD COLUMN alone boolean NOT NULL DEFAULT false;
