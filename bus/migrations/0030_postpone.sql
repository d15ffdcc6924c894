-- Names the stored message that a row was made from again (bus/postpone.ts): part of its message id.
ALTER TABLE bus.outbox ADD COLUMN resent text;
