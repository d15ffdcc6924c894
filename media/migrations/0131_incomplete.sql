-- Keepers look for conversions that died among all that are unfinished, also of pictures that can be shown already.
CREATE INDEX CONCURRENTLY IF NOT EXISTS asset_incomplete ON media.asset (id) WHERE NOT complete AND status <> 'failed';
DROP INDEX CONCURRENTLY IF EXISTS media.asset_processing;
