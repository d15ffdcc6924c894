-- As before, but that each row is looked up by its key, whatever the table was like when a session made its plans (decision 183).
-- Those are kept, and a table of forty rows is sooner read whole than looked into for each of a group. The planner expects ten
-- rows of an array that it does not know yet, and of those a tenth to pass a LIMIT that it does not know: one.

CREATE OR REPLACE FUNCTION carts.lock_orders(p_orders anyarray) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM (SELECT * FROM unnest(p_orders) LIMIT cardinality(p_orders)) w
  JOIN carts.cart c ON c.store_id = w.store_id AND c.id = w.cart_id
  ORDER BY c.store_id, c.id FOR UPDATE OF c;
END $$;

CREATE OR REPLACE FUNCTION carts.begin_orders(p_orders anyarray) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
BEGIN
  UPDATE carts.cart c
  SET status = 'checking_out', order_id = w.order_id, version = c.version + 1, updated_at = now()
  FROM (SELECT * FROM unnest(p_orders) LIMIT cardinality(p_orders)) w
  WHERE c.store_id = w.store_id AND c.id = w.cart_id AND c.status = 'open';
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

CREATE OR REPLACE FUNCTION carts.complete_orders(p_orders anyarray) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
BEGIN
  UPDATE carts.cart c SET status = 'completed', version = c.version + 1, updated_at = now()
  FROM (SELECT * FROM unnest(p_orders) LIMIT cardinality(p_orders)) w
  WHERE c.store_id = w.store_id AND c.id = w.cart_id AND c.status = 'checking_out' AND c.order_id = w.order_id;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

CREATE OR REPLACE FUNCTION carts.lock_carts(p_stores text[], p_carts text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM (SELECT * FROM unnest(p_stores, p_carts) AS u(store_id, id) LIMIT cardinality(p_carts)) w
  JOIN carts.cart c ON c.store_id = w.store_id AND c.id = w.id
  ORDER BY c.store_id, c.id FOR UPDATE OF c;
END $$;

CREATE OR REPLACE FUNCTION carts.priced(p_stores text[], p_carts text[], OUT priced_carts carts.priced_cart[],
                           OUT priced_lines carts.priced_line[])
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
  v_listed boolean := pricing.has_lists(p_stores);
  v_lists carts.list_price[];
BEGIN
  IF v_listed THEN
    WITH item AS MATERIALIZED (
      SELECT row_number() OVER () AS i, w.n, c.store_id, c.currency, l.variant_id, l.quantity
      FROM (SELECT * FROM unnest(p_stores, p_carts) WITH ORDINALITY AS u(store_id, id, n) LIMIT cardinality(p_carts)) w
      JOIN carts.cart c ON c.store_id = w.store_id AND c.id = w.id
      JOIN carts.line l ON l.store_id = c.store_id AND l.cart_id = c.id
    )
    SELECT array_agg((i.n, i.variant_id, r.amount_minor, r.compare_at_minor, r.source)::carts.list_price) INTO v_lists
    FROM pricing.resolve_all((
      SELECT jsonb_agg(jsonb_build_object('storeId', i.store_id, 'currency', i.currency, 'variantId', i.variant_id,
                         'quantity', i.quantity) ORDER BY i.i) FROM item i), now()) r
    JOIN item i ON i.i = r.n;
  END IF;

  WITH cart AS MATERIALIZED (
    SELECT w.n, c.store_id, c.id, c.status, c.order_id, c.email, c.shipping_address, c.shown_total_minor, c.currency, c.note,
           c.shipping_method_id, coalesce(c.shipping_address ->> 'country', '') AS country,
           coalesce(c.shipping_address ->> 'region', '') AS region
    FROM (SELECT * FROM unnest(p_stores, p_carts) WITH ORDINALITY AS u(store_id, id, n) LIMIT cardinality(p_carts)) w
    LEFT JOIN carts.cart c ON c.store_id = w.store_id AND c.id = w.id
  ), terms AS MATERIALIZED (
    SELECT p.store_id, p.country, p.region, t.included, t.standard_ppm, t.reduced_ppm
    FROM (SELECT DISTINCT c.store_id, c.country, c.region FROM cart c WHERE c.id IS NOT NULL) p
    CROSS JOIN LATERAL taxes.terms(p.store_id, nullif(p.country, ''), nullif(p.region, '')) t
  ), priced AS (
    SELECT c.n, l.id, l.variant_id, l.quantity, t.included, v.product_id, v.sku, v.title,
           CASE WHEN v_listed THEN r.amount_minor ELSE b.amount_minor END AS unit,
           CASE WHEN v_listed THEN r.compare_at_minor ELSE b.compare_at_minor END AS compare_at,
           CASE WHEN v_listed THEN r.source WHEN b.amount_minor IS NOT NULL THEN 'base' END AS source,
           0::bigint AS discount,
           CASE WHEN NOT v.taxable OR k.category = 'zero' THEN 0
                WHEN k.category = 'reduced' THEN t.reduced_ppm ELSE t.standard_ppm END AS ppm,
           coalesce(v.active, false)
             AND CASE WHEN v_listed THEN r.amount_minor ELSE b.amount_minor END IS NOT NULL AS sellable
    FROM cart c
    JOIN terms t ON t.store_id = c.store_id AND t.country = c.country AND t.region = c.region
    JOIN carts.line l ON l.store_id = c.store_id AND l.cart_id = c.id
    LEFT JOIN LATERAL catalog.for_sale(c.store_id, l.variant_id) v ON true
    LEFT JOIN LATERAL taxes.categories(c.store_id, ARRAY[v.product_id]) k ON true
    LEFT JOIN LATERAL pricing.base_price(c.store_id, c.currency, l.variant_id) b ON NOT v_listed
    LEFT JOIN unnest(v_lists) r ON r.n = c.n AND r.variant_id = l.variant_id
  ), counted AS MATERIALIZED (
    SELECT p.*, s.total, CASE WHEN p.ppm = 0 THEN 0 ELSE taxes.of(s.total, p.ppm, p.included) END AS tax
    FROM priced p
    CROSS JOIN LATERAL (SELECT CASE WHEN p.sellable THEN p.unit * p.quantity - p.discount ELSE 0 END) s(total)
    ORDER BY p.n, p.id
  ), goods AS (
    SELECT d.n, count(*) AS lines, bool_and(d.sellable) AS sellable, bool_or(d.sellable) AS any_sellable,
           sum(d.total + d.discount) FILTER (WHERE d.sellable)::bigint AS subtotal,
           sum(d.discount) FILTER (WHERE d.sellable)::bigint AS discount, sum(d.tax)::bigint AS tax
    FROM counted d GROUP BY d.n
  ), shipped AS (
    SELECT c.*, t.included, coalesce(g.lines, 0) AS lines, coalesce(g.sellable, true) AS sellable,
           coalesce(g.subtotal, 0) AS subtotal, coalesce(g.discount, 0) AS discount, coalesce(g.tax, 0) AS tax,
           CASE WHEN o.id IS NOT NULL THEN jsonb_build_object('id', o.id, 'name', o.name) END AS method,
           CASE o.tax_category WHEN 'standard' THEN t.standard_ppm WHEN 'reduced' THEN t.reduced_ppm ELSE 0 END AS ppm,
           CASE WHEN NOT coalesce(g.any_sellable, false) OR g.subtotal - g.discount >= o.free_over_minor THEN 0
                ELSE coalesce(o.amount_minor, 0) END AS shipping
    FROM cart c
    LEFT JOIN terms t ON t.store_id = c.store_id AND t.country = c.country AND t.region = c.region
    LEFT JOIN goods g ON g.n = c.n
    LEFT JOIN LATERAL shipping.offer(c.store_id, c.shipping_method_id, c.currency, nullif(c.country, '')) o
      ON c.shipping_method_id IS NOT NULL
  ), summed AS (
    SELECT s.*, x.tax AS shipping_tax,
           s.subtotal - s.discount + s.shipping + CASE WHEN s.included THEN 0 ELSE s.tax + x.tax END AS total
    FROM shipped s
    CROSS JOIN LATERAL (SELECT CASE WHEN s.ppm = 0 THEN 0 ELSE taxes.of(s.shipping, s.ppm, s.included) END) x(tax)
    ORDER BY s.n
  )
  SELECT (SELECT array_agg((s.n, s.status, s.order_id, s.email, s.shipping_address, s.shown_total_minor, s.currency, s.note,
                            s.shipping_method_id, s.method, s.included, s.subtotal, s.discount, s.shipping, s.shipping_tax,
                            s.tax + s.shipping_tax, s.total, s.lines, s.sellable)::carts.priced_cart) FROM summed s),
         (SELECT array_agg((d.n, d.id, d.variant_id, d.product_id, d.sku, d.title, d.quantity, d.unit, d.compare_at,
                            d.source, d.discount, d.total, d.ppm, d.tax, d.sellable)::carts.priced_line) FROM counted d)
  INTO priced_carts, priced_lines;
END $$;

CREATE OR REPLACE FUNCTION carts.lock_queue(p_store text, p_carts text[], p_versions bigint[], p_lines text[])
RETURNS TABLE (n bigint, status text, order_id text, email text, shipping_address jsonb, shown_total_minor bigint, terms text)
LANGUAGE sql VOLATILE AS $$
  SELECT l.n, l.status, l.order_id, l.email, l.shipping_address, l.shown_total_minor,
         CASE WHEN l.version = l.known THEN
           concat_ws('|', l.store_id, l.currency, l.shipping_method_id, l.customer_id, l.shipping_address ->> 'country',
                     l.shipping_address ->> 'region', md5(l.note), l.lines) END
  FROM (SELECT w.n, w.known, w.lines, c.*
        FROM (SELECT * FROM unnest(p_carts, p_versions, p_lines) WITH ORDINALITY AS u(id, known, lines, n)
              LIMIT cardinality(p_carts)) w
        JOIN carts.cart c ON c.store_id = p_store AND c.id = w.id
        ORDER BY c.store_id, c.id FOR UPDATE OF c) l
$$;

CREATE OR REPLACE FUNCTION carts.claim_queue(p_store text, p_carts text[], p_versions bigint[], p_lines text[], p_orders text[])
RETURNS TABLE (n bigint, status text, order_id text, email text, shipping_address jsonb, shown_total_minor bigint, terms text)
LANGUAGE sql VOLATILE SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
  UPDATE carts.cart c
  SET status = 'checking_out', order_id = w.order_id, version = c.version + 1, updated_at = now()
  FROM (SELECT * FROM unnest(p_carts, p_versions, p_lines, p_orders) WITH ORDINALITY AS u(id, known, lines, order_id, n)
        ORDER BY u.id, u.n LIMIT cardinality(p_carts)) w
  WHERE c.store_id = p_store AND c.id = w.id AND c.status = 'open' AND c.version = w.known
  RETURNING w.n, 'open', NULL::text, c.email, c.shipping_address, c.shown_total_minor,
            concat_ws('|', c.store_id, c.currency, c.shipping_method_id, c.customer_id, c.shipping_address ->> 'country',
                      c.shipping_address ->> 'region', md5(c.note), w.lines)
$$;

CREATE OR REPLACE FUNCTION carts.queueable(p_stores text[], p_carts text[])
RETURNS TABLE (n bigint, status text, version bigint, lines text) LANGUAGE sql STABLE AS $$
  SELECT w.n, c.status, c.version,
         (SELECT string_agg(l.variant_id || ':' || l.quantity, ',' ORDER BY l.id) FROM carts.line l
          WHERE l.store_id = c.store_id AND l.cart_id = c.id)
  FROM (SELECT * FROM unnest(p_stores, p_carts) WITH ORDINALITY AS u(store_id, id, n) LIMIT cardinality(p_carts)) w
  JOIN carts.cart c ON c.store_id = w.store_id AND c.id = w.id
$$;
