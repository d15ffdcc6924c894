-- Enqueues the same jobs for each of many subjects, in the caller's transaction: what bus.enqueue does, without a row of JSON
-- for every job. p_template: rows as of bus.enqueue, in whose key and payload p_placeholder stands for the subject, an id (so
-- it needs no escaping). p_traces: the trace of each subject; NULL: that of the template.
CREATE FUNCTION bus.enqueue_each(p_template jsonb, p_placeholder text, p_subjects text[], p_traces text[]) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO bus.outbox (id, attempt, kind, version, priority, store_id, key, payload, traceparent, due_at)
  SELECT uuidv7(), r.attempt, r.kind, r.version, r.priority, r.store_id, replace(r.key, p_placeholder, s.id),
         replace(r.payload, p_placeholder, s.id)::jsonb, coalesce(s.trace, r.traceparent),
         now() + r.delay_ms * interval '1 millisecond'
  FROM unnest(p_subjects, p_traces) AS s(id, trace)
  CROSS JOIN jsonb_to_recordset(p_template) AS r(attempt integer, kind text, version integer, priority text, store_id text,
       key text, payload text, traceparent text, delay_ms double precision)
$$;
