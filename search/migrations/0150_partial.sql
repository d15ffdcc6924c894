-- A version tells that something differs; text_version, when it last was something other than price, stock and popularity. Where
-- the engine has that much, the rest is sent by itself.
ALTER TABLE search.document
  ADD COLUMN text_hash    text    NOT NULL DEFAULT '',
  ADD COLUMN text_version bigint  NOT NULL DEFAULT 0,
  ADD COLUMN popularity   integer NOT NULL DEFAULT 0;
UPDATE search.document SET text_version = version;

-- What a store's merchants said about how its shop is searched; no row: nothing.
CREATE TABLE search.settings (
  store_id   text        NOT NULL PRIMARY KEY,
  -- [["sofa", "couch"], …]: words of a group stand for one another.
  synonyms   jsonb       NOT NULL DEFAULT '[]',
  stop_words text[]      NOT NULL DEFAULT '{}',
  -- ISO 639-1. Which languages its texts are in; empty: the engine guesses.
  languages  text[]      NOT NULL DEFAULT '{}',
  updated_at timestamptz NOT NULL DEFAULT now()
);
