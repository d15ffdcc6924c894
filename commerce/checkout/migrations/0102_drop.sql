-- Checkouts go by checkout.begin_orders and place_orders.
DROP FUNCTION checkout.place_group(jsonb, jsonb);
DROP FUNCTION checkout.place(text, text, text, text, jsonb);
DROP FUNCTION checkout.start(jsonb, jsonb);
DROP FUNCTION checkout.forget(jsonb, jsonb);
DROP FUNCTION checkout.begin(jsonb);
DROP FUNCTION checkout.decide(jsonb);
DROP FUNCTION checkout.open(checkout.decision[], jsonb[]);
DROP TYPE checkout.decision;
