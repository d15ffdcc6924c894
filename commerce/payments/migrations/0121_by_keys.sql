-- As before, but that each row is looked up by its key, whatever the table was like when a session made its plans (decision 183).
-- Those are kept, and a table of forty rows is sooner read whole than looked into for each of a group. The planner expects ten
-- rows of an array that it does not know yet, and of those a tenth to pass a LIMIT that it does not know: one.

CREATE OR REPLACE FUNCTION payments.authorise_orders(p_orders anyarray) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
BEGIN
  UPDATE payments.intent i SET status = 'authorised', updated_at = now()
  FROM (SELECT * FROM unnest(p_orders) LIMIT cardinality(p_orders)) w
  WHERE i.store_id = w.store_id AND i.id = w.intent_id AND i.status = 'created';
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;
