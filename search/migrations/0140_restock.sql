-- Stock changes with each order, and no index holds it: with room in the page such an update touches nothing else.
ALTER TABLE search.document SET (fillfactor = 70);
