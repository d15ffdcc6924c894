-- Jobs that somebody wants cancelled and that no row of the outbox stands for: they lie in JetStream or run. Workers look
-- here (bus/cancel.ts); a keeper removes what has ended.
CREATE TABLE bus.cancellation (
  job_id       uuid        PRIMARY KEY,
  reason       text        NOT NULL,
  requested_at timestamptz NOT NULL DEFAULT now()
);

-- Cancels a job where it waits, or asks for it. verdict: cancelled, requested, ended (too late), unknown.
-- Each statement sees what committed before it: a relay that is publishing the row holds its lock, so the DELETE waits
-- and finds it gone, and the next statement finds the ledger's row instead.
CREATE FUNCTION bus.cancel(p_job uuid, p_reason text, OUT verdict text) LANGUAGE plpgsql AS $$
DECLARE found_status text; cancelled int;
BEGIN
  WITH gone AS (
    DELETE FROM bus.outbox WHERE id = p_job RETURNING *
  ), last AS (
    SELECT * FROM gone ORDER BY attempt DESC LIMIT 1
  ), written AS (
    INSERT INTO bus.job AS j (id, kind, version, priority, store_id, key, status, attempt, traceparent, payload,
                              queued_at, finished_at, error)
    SELECT id, kind, version, priority, store_id, key, 'cancelled', attempt, traceparent, payload, created_at, now(), p_reason
    FROM last
    ON CONFLICT (id) DO UPDATE SET status = 'cancelled', finished_at = excluded.finished_at, error = excluded.error
    WHERE j.status IN ('queued', 'retrying')
    RETURNING id
  )
  SELECT count(*) INTO cancelled FROM written;
  IF cancelled > 0 THEN
    DELETE FROM bus.cancellation WHERE job_id = p_job;
    verdict := 'cancelled';
    RETURN;
  END IF;
  SELECT status INTO found_status FROM bus.job WHERE id = p_job;
  IF found_status IS NULL THEN
    verdict := 'unknown';
  ELSIF found_status IN ('queued', 'retrying') THEN
    INSERT INTO bus.cancellation (job_id, reason) VALUES (p_job, p_reason) ON CONFLICT DO NOTHING;
    verdict := 'requested';
  ELSE
    verdict := CASE found_status WHEN 'cancelled' THEN 'cancelled' ELSE 'ended' END;
  END IF;
END $$;

-- As before (0002), and a job that is to be cancelled does not start; any status that is not open is an end.
CREATE OR REPLACE FUNCTION bus.begin_run(
  p_job uuid, p_attempt int, p_worker text, p_alone boolean, p_traceparent text, p_live text[],
  OUT verdict text, OUT run int, OUT proven_kills int, OUT kills int
) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(p_job::text, 7));
  IF EXISTS (SELECT FROM bus.job WHERE id = p_job AND (status NOT IN ('queued', 'retrying') OR attempt > p_attempt))
     OR EXISTS (SELECT FROM bus.job_try WHERE job_id = p_job AND attempt = p_attempt
                AND outcome IN ('done', 'discarded', 'dead', 'cancelled', 'retrying')) THEN
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
  IF EXISTS (SELECT FROM bus.cancellation WHERE job_id = p_job) THEN
    verdict := 'cancelled';
    RETURN;
  END IF;
  SELECT count(*) FILTER (WHERE alone), count(*) INTO proven_kills, kills
  FROM bus.job_try WHERE job_id = p_job AND outcome = 'killed';
  SELECT coalesce(max(y.run), 0) + 1 INTO run FROM bus.job_try y WHERE job_id = p_job;
  INSERT INTO bus.job_try (job_id, attempt, run, worker, started_at, traceparent, alone)
  VALUES (p_job, p_attempt, run, p_worker, now(), p_traceparent, p_alone);
  verdict := 'run';
END $$;
