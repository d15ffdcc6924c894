-- Rows beyond their store's release window (bus/window.ts) are held; the relay does not see them, the releaser takes
-- them store by store. Both indexes are partial: a row that is never held costs what it cost before.
ALTER TABLE bus.outbox ADD COLUMN held boolean NOT NULL DEFAULT false;
DROP INDEX bus.outbox_due;
CREATE INDEX outbox_due ON bus.outbox (due_at, id) WHERE NOT held;
CREATE INDEX outbox_held ON bus.outbox (kind, store_id, due_at, id) WHERE held;

-- Who does what only one keeper does at a time; a lease that is not renewed runs out by the database's clock.
CREATE TABLE bus.lease (
  name   text        PRIMARY KEY,
  holder text        NOT NULL,
  until  timestamptz NOT NULL
);
