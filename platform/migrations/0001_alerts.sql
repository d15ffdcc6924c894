-- What is wrong, or was. An alert is pending until it has held for as long as its rule asks, then firing, then resolved.
-- One open row for each rule and subject; the partial index is what keeps two that evaluate at once from making two.
CREATE TABLE platform.alert (
  id          uuid        NOT NULL DEFAULT uuidv7() PRIMARY KEY,
  rule        text        NOT NULL,
  -- What it is about: a kind, a process, a pool; '' for the whole.
  subject     text        NOT NULL DEFAULT '',
  severity    text        NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
  state       text        NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'firing', 'resolved')),
  summary     text        NOT NULL,
  value       double precision NOT NULL,
  since       timestamptz NOT NULL DEFAULT now(),
  seen_at     timestamptz NOT NULL DEFAULT now(),
  fired_at    timestamptz,
  resolved_at timestamptz,
  -- The state that the webhook has been told; NULL: nothing yet.
  told        text
);
CREATE UNIQUE INDEX alert_open ON platform.alert (rule, subject) WHERE state <> 'resolved';
CREATE INDEX alert_untold ON platform.alert (id) WHERE state <> 'pending' AND told IS DISTINCT FROM state;
CREATE INDEX alert_resolved ON platform.alert (resolved_at) WHERE state = 'resolved';

-- One evaluation. p_findings: [{ rule, subject, severity, summary, value, forMs }], all that is true right now. What is not
-- among them and was not seen for p_quiet_ms is over: a pending alert is forgotten, a firing one resolved.
CREATE FUNCTION platform.note_alerts(p_findings jsonb, p_quiet_ms integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO platform.alert AS a (rule, subject, severity, summary, value)
  SELECT f.rule, f.subject, f.severity, f.summary, f.value
  FROM jsonb_to_recordset(p_findings) AS f(rule text, subject text, severity text, summary text, value double precision)
  ORDER BY f.rule, f.subject
  ON CONFLICT (rule, subject) WHERE state <> 'resolved'
  DO UPDATE SET seen_at = now(), summary = excluded.summary, value = excluded.value, severity = excluded.severity;

  UPDATE platform.alert a SET state = 'firing', fired_at = now()
  FROM jsonb_to_recordset(p_findings) AS f(rule text, subject text, "forMs" integer)
  WHERE a.rule = f.rule AND a.subject = f.subject AND a.state = 'pending'
    AND a.since <= now() - f."forMs" * interval '1 millisecond';

  DELETE FROM platform.alert a
  WHERE a.state = 'pending' AND a.seen_at < now() - p_quiet_ms * interval '1 millisecond';
  UPDATE platform.alert a SET state = 'resolved', resolved_at = now()
  WHERE a.state = 'firing' AND a.seen_at < now() - p_quiet_ms * interval '1 millisecond';
END $$;
