-- Checkouts go by orders.create_orders and place_orders.
DROP FUNCTION orders.create_pending(jsonb, jsonb);
DROP FUNCTION orders.create_group(jsonb, jsonb[]);
DROP FUNCTION orders.move_group(text[], text[], text, text, text);
