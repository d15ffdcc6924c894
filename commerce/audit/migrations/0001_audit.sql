CREATE SCHEMA audit;

-- Who changed what, when. Written in the transaction of the change, never updated. changes: { field: { before, after } },
-- without personal data. Ids sort by time, so a range of ids is a range of time: a partition a month, made by keepers;
-- what comes before its partition waits in the default one.
CREATE TABLE audit.entry (
  store_id    text        COLLATE "C" NOT NULL,
  id          text        COLLATE "C" NOT NULL,
  actor       text        NOT NULL,
  action      text        NOT NULL,
  entity      text        NOT NULL,
  entity_id   text        NOT NULL,
  route       text,
  trace_id    text,
  changes     jsonb       NOT NULL,
  at          timestamptz NOT NULL,
  PRIMARY KEY (store_id, id)
) PARTITION BY RANGE (id);
CREATE TABLE audit.entry_default PARTITION OF audit.entry DEFAULT;
CREATE INDEX entry_of_entity ON audit.entry (store_id, entity, entity_id, id DESC);
CREATE INDEX entry_of_actor ON audit.entry (store_id, actor, id DESC);
