-- What the new index was told to remove: it need not be asked of search.document, which is wide, what the index must count.
ALTER TABLE search.built ADD COLUMN gone boolean NOT NULL DEFAULT false;
