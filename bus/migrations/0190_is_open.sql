-- A job is open as its ledger row says; the outbox counts only where there is none yet. A worker may have ended a job before
-- the relay that published it commits: for that moment the row of the outbox stands for nothing.
CREATE OR REPLACE FUNCTION bus.is_open(p_job uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT status IN ('queued', 'retrying') FROM bus.job WHERE id = p_job),
                  EXISTS (SELECT FROM bus.outbox WHERE id = p_job))
$$;
