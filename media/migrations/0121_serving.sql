-- What signs the URLs of private assets; every node reads it, nobody else does.
CREATE TABLE media.secret (
  sole  boolean PRIMARY KEY DEFAULT true CHECK (sole),
  value text    NOT NULL
);
INSERT INTO media.secret (value) VALUES (replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''));
