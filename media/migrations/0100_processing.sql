-- Keepers look through what is being processed for conversions that died; ids are unique across stores.
CREATE INDEX asset_processing ON media.asset (id) WHERE status = 'processing';
