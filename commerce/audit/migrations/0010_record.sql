-- Writes entries in the caller's transaction, for SQL functions that are one. p_rows: what auditRows (index.ts) makes.
CREATE FUNCTION audit.record(p_rows jsonb) RETURNS void LANGUAGE sql AS $$
  INSERT INTO audit.entry (store_id, id, actor, action, entity, entity_id, route, trace_id, changes, at)
  SELECT r.store_id, r.id, r.actor, r.action, r.entity, r.entity_id, r.route, r.trace_id, r.changes, now()
  FROM jsonb_to_recordset(p_rows) AS r (store_id text, id text, actor text, action text,
    entity text, entity_id text, route text, trace_id text, changes jsonb)
$$;
