-- As before (0101), but a template whose payload holds the subject as a list of one makes one job for all subjects: the first
-- takes its place in the key and gives the trace, all of them stand in the list. What is counted or summed up for many in one
-- statement needs no row, message and ledger entry for each.
CREATE OR REPLACE FUNCTION bus.enqueue_each(p_template jsonb, p_placeholder text, p_subjects text[], p_traces text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_one text := '[' || to_json(p_placeholder)::text || ']';
  v_all text := array_to_json(p_subjects)::text;
BEGIN
  INSERT INTO bus.outbox (id, attempt, kind, version, priority, store_id, key, payload, traceparent, due_at)
  SELECT uuidv7(), r.attempt, r.kind, r.version, r.priority, r.store_id, replace(r.key, p_placeholder, s.id),
         replace(replace(r.payload, v_one, v_all), p_placeholder, s.id)::jsonb, coalesce(s.trace, r.traceparent),
         now() + r.delay_ms * interval '1 millisecond'
  FROM jsonb_to_recordset(p_template) AS r(attempt integer, kind text, version integer, priority text, store_id text,
       key text, payload text, traceparent text, delay_ms double precision)
  JOIN unnest(p_subjects, p_traces) WITH ORDINALITY AS s(id, trace, n) ON s.n = 1 OR position(v_one IN r.payload) = 0;
END $$;
