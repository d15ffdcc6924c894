-- Enqueues what follows from stock.changed. p_template: outbox rows made for one product called '$product'. Each row is
-- enqueued once for all products (500 at a time): their ids take its place in the payload's list, the first one its place in
-- the key. NULL: nobody wants to know.
CREATE OR REPLACE FUNCTION inventory.announce(p_products text[], p_template jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_template IS NULL OR p_template = '[]' OR coalesce(cardinality(p_products), 0) = 0 THEN RETURN; END IF;
  PERFORM bus.enqueue((
    SELECT jsonb_agg(t.row || jsonb_build_object('id', uuidv7(),
             'key', replace(t.row ->> 'key', '$product', c.first),
             'payload', replace((t.row -> 'payload')::text, '"$product"', c.list)::jsonb))
    FROM (SELECT min(p.id) AS first, string_agg(to_json(p.id)::text, ',' ORDER BY p.id) AS list
          FROM (SELECT d.id, (row_number() OVER (ORDER BY d.id) - 1) / 500 AS chunk
                FROM (SELECT DISTINCT unnest(p_products) AS id) d) p
          GROUP BY p.chunk) c,
         jsonb_array_elements(p_template) AS t(row)));
END $$;
