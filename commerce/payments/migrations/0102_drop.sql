-- Checkouts go by payments.intend_orders and authorise_orders.
DROP FUNCTION payments.intend(text, text, text, text, bigint, text);
DROP FUNCTION payments.intend_group(text[], text[], text[], text[], bigint[], text[]);
DROP FUNCTION payments.move_group(text[], text[], text[], text);
