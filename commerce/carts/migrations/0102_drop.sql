-- Checkouts go by carts.lock_carts, begin_orders and complete_orders.
DROP FUNCTION carts.begin_checkout(text, text, text);
DROP FUNCTION carts.complete(text, text, text);
DROP FUNCTION carts.complete_group(text[], text[], text[]);
