-- Cron (bus/cron.ts): what operators set per schedule, and the last tick that was seen to. Schedules themselves are code.
CREATE TABLE bus.schedule (
  name       text        PRIMARY KEY,
  paused     boolean     NOT NULL DEFAULT false,
  note       text,
  last_tick  timestamptz NOT NULL DEFAULT now(),
  changed_at timestamptz NOT NULL DEFAULT now()
);

-- One row per tick and its job; a run by hand has the time at which it was asked for.
CREATE TABLE bus.tick (
  name      text        NOT NULL,
  tick      timestamptz NOT NULL,
  by_hand   boolean     NOT NULL,
  job_id    uuid        NOT NULL,
  outcome   text        NOT NULL,
  fired_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (name, tick)
);
CREATE INDEX tick_fired ON bus.tick (fired_at);

-- Sees to a tick: once over all keepers, because the row's condition holds for the first of them only and job, tick and
-- condition commit together. p_tick NULL: by hand, also while paused. Gives no outcome when there was nothing to do.
CREATE FUNCTION bus.fire(p_name text, p_tick timestamptz, p_row jsonb, OUT job_id uuid, OUT outcome text)
LANGUAGE plpgsql AS $$
BEGIN
  IF p_tick IS NOT NULL THEN
    UPDATE bus.schedule SET last_tick = p_tick WHERE name = p_name AND NOT paused AND last_tick < p_tick;
    IF NOT FOUND THEN RETURN; END IF;
  END IF;
  IF p_row ? 'unique' THEN
    SELECT e.job_id, e.outcome INTO job_id, outcome FROM bus.enqueue_unique(p_row) e;
  ELSE
    PERFORM bus.enqueue(jsonb_build_array(p_row));
    job_id := p_row->>'id';
    outcome := 'enqueued';
  END IF;
  INSERT INTO bus.tick (name, tick, by_hand, job_id, outcome)
  VALUES (p_name, coalesce(p_tick, clock_timestamp()), p_tick IS NULL, job_id, outcome);
END $$;
