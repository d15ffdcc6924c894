-- Carts and lines as arrays of rows: a row is made once, and handed from module to module as it is. (Arrays of single columns
-- cost as many aggregates and as many unnests as there are columns, in each statement, however small the group.) Functions of
-- other modules take such arrays as `anyarray` and name the fields that they read.
DROP FUNCTION carts.quote_group(text[], text[]);
DROP FUNCTION carts.begin_orders(text[], text[], text[], bigint[]);
DROP FUNCTION carts.complete_orders(text[], text[], text[]);
DROP FUNCTION carts.lock_group(text[], text[]);

-- status NULL: there is no such cart. wanted_method without shipping_method: it may not have that method (any more).
CREATE TYPE carts.priced_cart AS (
  n bigint, status text, order_id text, email text, shipping_address jsonb, shown_total bigint, currency text, note text,
  wanted_method text, shipping_method jsonb, tax_included boolean, subtotal bigint, discount bigint, shipping bigint,
  shipping_tax bigint, tax bigint, total bigint, line_count bigint, sellable boolean);
-- n: the place of its cart. unit NULL: it has no price.
CREATE TYPE carts.priced_line AS (
  n bigint, id text, variant_id text, product_id text, sku text, title text, quantity integer, unit bigint,
  compare_at bigint, source text, discount bigint, total bigint, ppm integer, tax bigint, sellable boolean);

-- What carts cost right now: the one place where totals are computed. Cart views show it (carts.quotes) and checkouts charge
-- it, so they can't disagree. n of a cart is the place that it was asked for at; lines stand in the order they were added.
--
--   subtotal = Σ unit · quantity          tax      = Σ tax of lines + tax of shipping, each rounded by itself
--   total    = subtotal − discount + shipping (+ tax, unless prices include it)
--
-- A line that can't be bought any more (not sellable) counts nothing, but stays. A method that this cart may not have (any
-- more) costs nothing either, which a checkout refuses.
CREATE FUNCTION carts.priced(p_stores text[], p_carts text[], OUT priced_carts carts.priced_cart[],
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
      FROM unnest(p_stores, p_carts) WITH ORDINALITY AS w(store_id, id, n)
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
    FROM unnest(p_stores, p_carts) WITH ORDINALITY AS w(store_id, id, n)
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

-- The same for views. p_carts: [{ storeId, cartId }], any number in one statement; one row for each cart there is.
--
-- quote: { currency, note, wantedMethod, shippingMethod: { id, name } | null, taxIncluded, subtotalMinor, discountMinor,
--          shippingMinor, shippingTaxMinor, taxMinor, totalMinor,
--          lines: [{ lineId, variantId, productId, sku, title, quantity, unitMinor, compareAtMinor, source, discountMinor,
--                    totalMinor, taxRatePpm, taxMinor, sellable }] in the order they were added }
CREATE OR REPLACE FUNCTION carts.quotes(p_carts jsonb) RETURNS TABLE (store_id text, cart_id text, quote jsonb)
LANGUAGE sql STABLE AS $$
  WITH wanted AS MATERIALIZED (
    SELECT row_number() OVER () AS n, w.store_id, w.id
    FROM (SELECT DISTINCT w."storeId" AS store_id, w."cartId" AS id
          FROM jsonb_to_recordset(p_carts) AS w("storeId" text, "cartId" text)) w
  ), q AS MATERIALIZED (
    SELECT * FROM carts.priced((SELECT array_agg(w.store_id ORDER BY w.n) FROM wanted w),
                               (SELECT array_agg(w.id ORDER BY w.n) FROM wanted w))
  ), line AS (
    SELECT l.n, jsonb_agg(jsonb_build_object('lineId', l.id, 'variantId', l.variant_id, 'productId', l.product_id,
             'sku', l.sku, 'title', l.title, 'quantity', l.quantity, 'unitMinor', l.unit, 'compareAtMinor', l.compare_at,
             'source', l.source, 'discountMinor', l.discount, 'totalMinor', l.total, 'taxRatePpm', l.ppm,
             'taxMinor', l.tax, 'sellable', l.sellable) ORDER BY l.id) AS lines
    FROM q CROSS JOIN LATERAL unnest(q.priced_lines) l GROUP BY l.n
  )
  SELECT w.store_id, w.id, jsonb_build_object('currency', c.currency, 'note', c.note, 'wantedMethod', c.wanted_method,
           'shippingMethod', c.shipping_method, 'taxIncluded', c.tax_included, 'subtotalMinor', c.subtotal,
           'discountMinor', c.discount, 'shippingMinor', c.shipping, 'shippingTaxMinor', c.shipping_tax,
           'taxMinor', c.tax, 'totalMinor', c.total, 'lines', coalesce(l.lines, '[]'))
  FROM q CROSS JOIN LATERAL unnest(q.priced_carts) c
  JOIN wanted w ON w.n = c.n
  LEFT JOIN line l ON l.n = c.n
  WHERE c.status IS NOT NULL
$$;

-- Locks carts in the order of all flows.
CREATE FUNCTION carts.lock_carts(p_stores text[], p_carts text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM unnest(p_stores, p_carts) AS w(store_id, id)
  JOIN carts.cart c ON c.store_id = w.store_id AND c.id = w.id
  ORDER BY c.store_id, c.id FOR UPDATE OF c;
END $$;

-- The carts of a group of orders. p_orders: rows with store_id, cart_id, order_id.

-- Locks them in the order of all flows.
CREATE FUNCTION carts.lock_orders(p_orders anyarray) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM unnest(p_orders) w
  JOIN carts.cart c ON c.store_id = w.store_id AND c.id = w.cart_id
  ORDER BY c.store_id, c.id FOR UPDATE OF c;
END $$;

-- open → checking_out, each for its order; how many. The caller holds the locks.
CREATE FUNCTION carts.begin_orders(p_orders anyarray) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
BEGIN
  UPDATE carts.cart c
  SET status = 'checking_out', order_id = w.order_id, version = c.version + 1, updated_at = now()
  FROM unnest(p_orders) w
  WHERE c.store_id = w.store_id AND c.id = w.cart_id AND c.status = 'open';
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

-- checking_out → completed, each by its order; how many. The caller holds the locks.
CREATE FUNCTION carts.complete_orders(p_orders anyarray) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
BEGIN
  UPDATE carts.cart c SET status = 'completed', version = c.version + 1, updated_at = now()
  FROM unnest(p_orders) w
  WHERE c.store_id = w.store_id AND c.id = w.cart_id AND c.status = 'checking_out' AND c.order_id = w.order_id;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;
