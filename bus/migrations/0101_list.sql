-- Enqueues jobs about many subjects at once, in the caller's transaction. p_template: rows as of bus.enqueue (none of them
-- unique), made for one subject called p_placeholder: the first of p_subjects takes its place in the key, all of them, as the
-- elements of a list, in the payload.
CREATE FUNCTION bus.enqueue_list(p_template jsonb, p_placeholder text, p_subjects text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_list text := substr(array_to_json(p_subjects)::text, 2, length(array_to_json(p_subjects)::text) - 2);
BEGIN
  INSERT INTO bus.outbox (id, attempt, kind, version, priority, store_id, key, payload, traceparent, due_at)
  SELECT uuidv7(), r.attempt, r.kind, r.version, r.priority, r.store_id, replace(r.key, p_placeholder, p_subjects[1]),
         replace(r.payload, to_json(p_placeholder)::text, v_list)::jsonb,
         r.traceparent, now() + r.delay_ms * interval '1 millisecond'
  FROM jsonb_to_recordset(p_template) AS r(attempt integer, kind text, version integer, priority text, store_id text,
       key text, payload text, traceparent text, delay_ms double precision);
END $$;

-- bus.enqueue_each keeps its plan, too.
CREATE OR REPLACE FUNCTION bus.enqueue_each(p_template jsonb, p_placeholder text, p_subjects text[], p_traces text[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO bus.outbox (id, attempt, kind, version, priority, store_id, key, payload, traceparent, due_at)
  SELECT uuidv7(), r.attempt, r.kind, r.version, r.priority, r.store_id, replace(r.key, p_placeholder, s.id),
         replace(r.payload, p_placeholder, s.id)::jsonb, coalesce(s.trace, r.traceparent),
         now() + r.delay_ms * interval '1 millisecond'
  FROM jsonb_to_recordset(p_template) AS r(attempt integer, kind text, version integer, priority text, store_id text,
       key text, payload text, traceparent text, delay_ms double precision)
  CROSS JOIN unnest(p_subjects, p_traces) AS s(id, trace);
END $$;
