-- A mail is noted as sent moments after it was claimed: room for its second version in the same page spares the index.
ALTER TABLE notifications.mail SET (fillfactor = 55);
