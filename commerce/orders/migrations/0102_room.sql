-- An order is placed milliseconds after it was written: room for its second version in the same page spares the indexes.
ALTER TABLE orders.order SET (fillfactor = 65);
