-- As before, but that each row is looked up by its key, whatever the table was like when a session made its plans (decision 183).
-- Those are kept, and a table of forty rows is sooner read whole than looked into for each of a group. The planner expects ten
-- rows of an array that it does not know yet, and of those a tenth to pass a LIMIT that it does not know: one.

CREATE OR REPLACE FUNCTION inventory.confirm_orders(p_orders anyarray) RETURNS TABLE (reservation_id text) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY
    UPDATE inventory.reservation r SET expires_at = 'infinity'
    FROM (SELECT * FROM unnest(p_orders) LIMIT cardinality(p_orders)) w
    WHERE r.store_id = w.store_id AND r.id = w.reservation_id AND r.status = 'held' AND r.expires_at > now()
    RETURNING r.id;
END $$;
