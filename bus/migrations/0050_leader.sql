-- Who leads, per singleton. The advisory lock says that it is one; the epoch tells a leader of before from the present one.
CREATE TABLE bus.leader (
  name   text        PRIMARY KEY,
  epoch  bigint      NOT NULL,
  holder text        NOT NULL,
  since  timestamptz NOT NULL DEFAULT now()
);

-- Takes the lock for the calling session and raises the epoch. No row: another session has the lock.
CREATE FUNCTION bus.lead(leader_name text, leader_holder text)
RETURNS TABLE (epoch bigint, pid integer) LANGUAGE plpgsql AS $$
BEGIN
  IF NOT pg_try_advisory_lock(hashtext('tradewind leader'), hashtext(leader_name)) THEN
    RETURN;
  END IF;
  RETURN QUERY
    INSERT INTO bus.leader AS l (name, epoch, holder) VALUES (leader_name, 1, leader_holder)
    ON CONFLICT (name) DO UPDATE SET epoch = l.epoch + 1, holder = excluded.holder, since = now()
    RETURNING l.epoch, pg_backend_pid();
END
$$;
