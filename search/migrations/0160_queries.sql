-- Rises with whatever changes in what search knows of a store, be it here or in the engine: a change that the engine has
-- done is confirmed here, which counts as one. Answers that were made under another generation are not given again.
CREATE TABLE search.content (
  store_id           text        NOT NULL PRIMARY KEY,
  generation         bigint      NOT NULL DEFAULT 1,
  -- The generation that search.word was made of, and when.
  learned_generation bigint      NOT NULL DEFAULT 0,
  learned_at         timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);
INSERT INTO search.content (store_id) SELECT DISTINCT store_id FROM search.document;

-- By statement, whoever writes; writers of a store's documents hold the lock of its index, so this row is not fought for.
CREATE FUNCTION search.content_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO search.content AS c (store_id) SELECT DISTINCT n.store_id FROM changed n ORDER BY 1
  ON CONFLICT (store_id) DO UPDATE SET generation = c.generation + 1;
  RETURN NULL;
END $$;
CREATE TRIGGER content_added AFTER INSERT ON search.document
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION search.content_changed();
CREATE TRIGGER content_changed AFTER UPDATE ON search.document
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION search.content_changed();

-- The words of a store's names (title, vendor, categories, tags, option values) without case and accents, and how many
-- products have them: what a misspelt word may have meant.
CREATE TABLE search.word (
  store_id text    NOT NULL,
  word     text    NOT NULL,
  products integer NOT NULL,
  PRIMARY KEY (store_id, word)
);
CREATE INDEX word_like ON search.word USING gin (word gin_trgm_ops);

-- What was searched for, by day: queries as they are compared (no case, accents or needless space), never who asked. Keepers
-- make a partition a day; what comes before its partition waits in the default one.
CREATE TABLE search.query_day (
  day            date    NOT NULL,
  store_id       text    NOT NULL,
  query          text    NOT NULL,
  searches       bigint  NOT NULL,
  without_result bigint  NOT NULL,
  PRIMARY KEY (store_id, day, query)
) PARTITION BY RANGE (day);
CREATE TABLE search.query_day_default PARTITION OF search.query_day DEFAULT;

-- What was chosen among the hits of a query. places: the sum of the clicks' positions, counted from 1.
CREATE TABLE search.click_day (
  day        date   NOT NULL,
  store_id   text   NOT NULL,
  query      text   NOT NULL,
  product_id text   NOT NULL,
  clicks     bigint NOT NULL,
  places     bigint NOT NULL,
  PRIMARY KEY (store_id, day, query, product_id)
) PARTITION BY RANGE (day);
CREATE TABLE search.click_day_default PARTITION OF search.click_day DEFAULT;
