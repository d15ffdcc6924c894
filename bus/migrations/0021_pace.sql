-- Rate limits of kinds (bus/pace.ts): GCRA with one number a kind, the time at which the next start would be due if all
-- came evenly. The database's clock is the one that all processes share.
CREATE TABLE bus.pace (
  kind    text        PRIMARY KEY,
  next_at timestamptz NOT NULL
);

-- Takes up to p_wanted starts; when there is none, wait_ms tells when the next one comes. A limit that was changed counts
-- at once: what was taken ahead under the old one is cut to the new one's burst.
CREATE FUNCTION bus.take_starts(
  p_kind text, p_wanted int, p_interval_ms float8, p_burst int, OUT granted int, OUT wait_ms float8
) LANGUAGE plpgsql AS $$
DECLARE
  ahead float8;
BEGIN
  INSERT INTO bus.pace (kind, next_at) VALUES (p_kind, clock_timestamp()) ON CONFLICT DO NOTHING;
  PERFORM FROM bus.pace WHERE kind = p_kind FOR UPDATE;
  SELECT least(greatest(extract(epoch FROM next_at - clock_timestamp()) * 1000, 0), p_burst * p_interval_ms)
  INTO ahead FROM bus.pace WHERE kind = p_kind;
  granted := least(p_wanted, floor((p_burst * p_interval_ms - ahead) / p_interval_ms + 1e-9)::int);
  wait_ms := CASE WHEN granted > 0 THEN 0 ELSE ahead + p_interval_ms - p_burst * p_interval_ms END;
  UPDATE bus.pace
  SET next_at = clock_timestamp() + (ahead + granted * p_interval_ms) * interval '1 millisecond'
  WHERE kind = p_kind;
END $$;
