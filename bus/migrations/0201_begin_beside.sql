-- Opens runs of jobs that were delivered before and run beside others (bus/tries.ts), in the order of ids, so that two
-- workers which hold the same jobs can't deadlock. Verdicts as of bus.begin_run, and suspect: the job ran in a process
-- that died, so no row is opened and it has to run alone.
CREATE FUNCTION bus.begin_beside(
  p_jobs uuid[], p_attempts int[], p_traceparents text[], p_worker text, p_live text[]
) RETURNS TABLE (n int, verdict text, run int) LANGUAGE plpgsql AS $$
DECLARE job record; opened record;
BEGIN
  FOR job IN
    SELECT * FROM unnest(p_jobs, p_attempts, p_traceparents) WITH ORDINALITY AS j(id, attempt, traceparent, n) ORDER BY id
  LOOP
    SELECT * INTO opened FROM bus.begin_run(job.id, job.attempt, p_worker, false, job.traceparent, p_live);
    n := job.n;
    verdict := opened.verdict;
    run := opened.run;
    IF verdict = 'run' AND opened.kills > 0 THEN
      DELETE FROM bus.job_try y WHERE y.job_id = job.id AND y.attempt = job.attempt AND y.run = opened.run;
      verdict := 'suspect';
    END IF;
    RETURN NEXT;
  END LOOP;
END $$;
