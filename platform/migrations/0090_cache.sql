-- What caches must not give any more (platform/cache/index.ts tells the protocol). A row is written by the transaction that
-- changes something, so it is there when the change is, and gone when it is not. `xact` is what followers go by: they read what
-- their last snapshot did not show, so no row is missed for having been committed late, as it would be with `id > last`.
-- A row is open until the tags' versions in the shared layer have been replaced, and is kept for some seconds after that.
CREATE TABLE platform.cache_change (
  id         bigint      NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  xact       xid8        NOT NULL DEFAULT pg_current_xact_id(),
  -- '*': everything, in the shared layer.
  tags       text[]      NOT NULL,
  -- It may take a second: what changes with each order, and what follows of a change in lists.
  soon       boolean     NOT NULL,
  -- Of the request that made the change, which sees to it before it is answered.
  trace      text,
  at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  applied_at timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_analyze_scale_factor = 0,
        autovacuum_analyze_threshold = 5000);
CREATE INDEX cache_change_xact ON platform.cache_change (xact);
CREATE INDEX cache_change_open ON platform.cache_change (id) WHERE applied_at IS NULL;
CREATE INDEX cache_change_trace ON platform.cache_change (trace) WHERE applied_at IS NULL;
CREATE INDEX cache_change_applied ON platform.cache_change (applied_at) WHERE applied_at IS NOT NULL;

-- In the transaction of the change.
CREATE FUNCTION platform.invalidate(p_tags text[], p_soon boolean, p_trace text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO platform.cache_change (tags, soon, trace) SELECT p_tags, p_soon, p_trace WHERE cardinality(p_tags) > 0
$$;
