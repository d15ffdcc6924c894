-- Dead letters: where their message lies, when they came to light, and replays that watch what they do.
ALTER TABLE bus.dead
  -- Its message in the stream DEAD, as long as that may still be there.
  ADD COLUMN stream_seq     bigint,
  -- When it was projected, which may be later than it died: what is new since a moment is asked by this.
  ADD COLUMN appeared_at    timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN canary_id      uuid,
  ADD COLUMN canary_portion integer,
  -- Replayed with another payload than it died with.
  ADD COLUMN edited         boolean NOT NULL DEFAULT false;
CREATE INDEX dead_appeared ON bus.dead (appeared_at);
CREATE INDEX dead_status ON bus.dead (status, died_at DESC, id DESC) WHERE status <> 'open';
CREATE INDEX dead_canary ON bus.dead (canary_id, canary_portion) WHERE canary_id IS NOT NULL;
CREATE INDEX dead_job ON bus.dead (job_id) WHERE job_id IS NOT NULL;

-- A replay in portions (canary.ts tells the protocol). Which letters: of a fingerprint, a kind, or these ids.
CREATE TABLE bus.canary (
  id           uuid        PRIMARY KEY,
  kind         text,
  fingerprint  text,
  ids          text[],
  status       text        NOT NULL DEFAULT 'watching' CHECK (status IN ('watching', 'waiting', 'stopped', 'done')),
  -- Goes on by itself when a portion has ended well; else it waits to be told.
  carry_on     boolean     NOT NULL,
  stop_on      text        NOT NULL CHECK (stop_on IN ('failed_try', 'dead')),
  portion      integer     NOT NULL DEFAULT 1,
  portion_size integer     NOT NULL CHECK (portion_size > 0),
  letters_max  integer     NOT NULL CHECK (letters_max > 0),
  payload      jsonb,
  replayed     integer     NOT NULL DEFAULT 0,
  -- Of the jobs replayed so far, as of the last look.
  succeeded    integer     NOT NULL DEFAULT 0,
  failed       integer     NOT NULL DEFAULT 0,
  -- The same when the portion that is out began.
  succeeded_before integer NOT NULL DEFAULT 0,
  failed_before    integer NOT NULL DEFAULT 0,
  stopped_by   text        CHECK (stopped_by IN ('failure', 'payload', 'operator')),
  -- What stopped it: { deadId, jobId, error }.
  stopped_at   jsonb,
  created_at   timestamptz NOT NULL DEFAULT now(),
  changed_at   timestamptz NOT NULL DEFAULT now(),
  ended_at     timestamptz,
  CHECK (num_nonnulls(kind, fingerprint, ids) >= 1),
  CHECK ((status = 'stopped') = (stopped_by IS NOT NULL))
);
CREATE INDEX canary_watching ON bus.canary (id) WHERE status = 'watching';
-- One at a time for a group of letters: two would each see half of what happens.
CREATE UNIQUE INDEX canary_group ON bus.canary (fingerprint) WHERE status IN ('watching', 'waiting') AND fingerprint IS NOT NULL;

-- Messages of the stream DEAD that must be deleted from it; keepers do it (erasure.ts).
CREATE TABLE bus.dead_erasure (
  stream_seq bigint PRIMARY KEY
);
