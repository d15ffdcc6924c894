-- bus.settle for what nearly all tries are: done, at the first attempt, on the fast path. Nothing is written but the
-- ledger's row, in the order of ids as everywhere. Arrays of equal length; times in milliseconds since the epoch.
CREATE FUNCTION bus.settle_done(
  ids uuid[], kinds text[], versions int[], priorities text[], stores text[], keys text[], traces text[], payloads text[],
  queued float8[], started float8[], ended float8[], p_worker text
) RETURNS void LANGUAGE sql AS $$
  INSERT INTO bus.job AS j (id, kind, version, priority, store_id, key, status, attempt, traceparent, payload, queued_at,
                            started_at, finished_at, worker)
  SELECT DISTINCT ON (t.id) t.id, t.kind, t.version, t.priority, t.store_id, t.key, 'done', 1, t.traceparent, t.payload::jsonb,
         to_timestamp(t.queued / 1000), to_timestamp(t.started / 1000), to_timestamp(t.ended / 1000), p_worker
  FROM unnest(ids, kinds, versions, priorities, stores, keys, traces, payloads, queued, started, ended)
    AS t(id, kind, version, priority, store_id, key, traceparent, payload, queued, started, ended)
  ORDER BY t.id
  ON CONFLICT (id) DO UPDATE SET
    status = 'done', started_at = excluded.started_at, finished_at = excluded.finished_at, worker = excluded.worker,
    error = NULL
  WHERE j.status IN ('queued', 'retrying') AND j.attempt <= 1
$$;
