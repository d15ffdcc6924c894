-- Who made a change looks for it although a keeper may have applied it already: its own memory is not what a keeper applies to.
DROP INDEX platform.cache_change_trace;
CREATE INDEX cache_change_trace ON platform.cache_change (trace) WHERE trace IS NOT NULL;
