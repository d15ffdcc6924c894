-- When a cart was given up: it was open, had lines and did not change for a time. A change takes it back.
ALTER TABLE carts.cart ADD COLUMN abandoned_at timestamptz;

-- Carts change soon after they are made or not at all, so the time of change follows the place in the table, and a BRIN index
-- of a few pages finds those of one period. Unlike a B-tree it leaves updates of carts within their page (HOT).
CREATE INDEX cart_changed ON carts.cart USING brin (updated_at) WITH (pages_per_range = 32, autosummarize = on);

-- Marks carts that have not changed for p_idle; at most p_limit. Looks two days further back: keepers run more often.
CREATE FUNCTION carts.abandon(p_idle interval, p_limit integer) RETURNS TABLE (store_id text, cart_id text)
LANGUAGE sql VOLATILE AS $$
  UPDATE carts.cart c SET abandoned_at = now()
  WHERE (c.store_id, c.id) IN (
    SELECT i.store_id, i.id FROM carts.cart i
    WHERE i.updated_at < now() - p_idle AND i.updated_at > now() - p_idle - interval '2 days'
      AND i.status = 'open' AND i.abandoned_at IS NULL
      AND EXISTS (SELECT 1 FROM carts.line l WHERE l.store_id = i.store_id AND l.cart_id = i.id)
    LIMIT p_limit FOR UPDATE SKIP LOCKED)
  RETURNING c.store_id, c.id
$$;
