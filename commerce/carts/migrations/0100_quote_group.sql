-- Room in the page for the next two versions of a cart: a checkout writes it twice, and such updates touch no index.
ALTER TABLE carts.cart SET (fillfactor = 70);

-- A line's price by the price lists, where a store has any.
CREATE TYPE carts.list_price AS (n bigint, variant_id text, amount_minor bigint, compare_at_minor bigint, source text);

-- What carts cost right now: the one place where totals are computed. Cart views show it (carts.quotes) and checkouts charge
-- it, so they can't disagree. As arrays side by side: one element a cart, at the place that it was asked for at (NULL where
-- there is no such cart), and, called line_…, one element a line; line_n is the place of its cart, and lines stand in the
-- order they were added.
--
--   subtotal = Σ unit · quantity          tax      = Σ tax of lines + tax of shipping, each rounded by itself
--   total    = subtotal − discount + shipping (+ tax, unless prices include it)
--
-- A line that can't be bought any more (line_sellable false, line_unit NULL without a price) counts nothing, but stays. A
-- method that this cart may not have (any more) costs nothing either: wanted_method is set and shipping_method is NULL, which
-- a checkout refuses.
CREATE FUNCTION carts.quote_group(p_stores text[], p_carts text[],
  OUT status text[], OUT order_id text[], OUT email text[], OUT shipping_address jsonb[], OUT shown_total bigint[],
  OUT currency text[], OUT note text[], OUT wanted_method text[], OUT shipping_method jsonb[], OUT tax_included boolean[],
  OUT subtotal bigint[], OUT discount bigint[], OUT shipping bigint[], OUT shipping_tax bigint[], OUT tax bigint[],
  OUT total bigint[], OUT line_count bigint[], OUT sellable boolean[],
  OUT line_n bigint[], OUT line_id text[], OUT line_variant text[], OUT line_product text[], OUT line_sku text[],
  OUT line_title text[], OUT line_quantity integer[], OUT line_unit bigint[], OUT line_compare_at bigint[],
  OUT line_source text[], OUT line_discount bigint[], OUT line_total bigint[], OUT line_ppm integer[],
  OUT line_tax bigint[], OUT line_sellable boolean[])
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
  SELECT a.*, b.* INTO status, order_id, email, shipping_address, shown_total, currency, note, wanted_method,
         shipping_method, tax_included, subtotal, discount, shipping, shipping_tax, tax, total, line_count, sellable,
         line_n, line_id, line_variant, line_product, line_sku, line_title, line_quantity, line_unit, line_compare_at,
         line_source, line_discount, line_total, line_ppm, line_tax, line_sellable
  FROM (SELECT array_agg(s.status), array_agg(s.order_id), array_agg(s.email), array_agg(s.shipping_address),
               array_agg(s.shown_total_minor), array_agg(s.currency), array_agg(s.note), array_agg(s.shipping_method_id),
               array_agg(s.method), array_agg(s.included), array_agg(s.subtotal), array_agg(s.discount),
               array_agg(s.shipping), array_agg(s.shipping_tax), array_agg(s.tax + s.shipping_tax), array_agg(s.total),
               array_agg(s.lines), array_agg(s.sellable) FROM summed s) a
  CROSS JOIN
       (SELECT array_agg(d.n), array_agg(d.id), array_agg(d.variant_id), array_agg(d.product_id), array_agg(d.sku),
               array_agg(d.title), array_agg(d.quantity), array_agg(d.unit), array_agg(d.compare_at), array_agg(d.source),
               array_agg(d.discount), array_agg(d.total), array_agg(d.ppm), array_agg(d.tax), array_agg(d.sellable)
        FROM counted d) b;
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
    SELECT * FROM carts.quote_group((SELECT array_agg(w.store_id ORDER BY w.n) FROM wanted w),
                                    (SELECT array_agg(w.id ORDER BY w.n) FROM wanted w))
  ), line AS (
    SELECT l.n, jsonb_agg(jsonb_build_object('lineId', l.id, 'variantId', l.variant_id, 'productId', l.product_id,
             'sku', l.sku, 'title', l.title, 'quantity', l.quantity, 'unitMinor', l.unit, 'compareAtMinor', l.compare_at,
             'source', l.source, 'discountMinor', l.discount, 'totalMinor', l.total, 'taxRatePpm', l.ppm,
             'taxMinor', l.tax, 'sellable', l.sellable) ORDER BY l.i) AS lines
    FROM q CROSS JOIN LATERAL unnest(q.line_n, q.line_id, q.line_variant, q.line_product, q.line_sku, q.line_title,
           q.line_quantity, q.line_unit, q.line_compare_at, q.line_source, q.line_discount, q.line_total, q.line_ppm,
           q.line_tax, q.line_sellable) WITH ORDINALITY
           AS l(n, id, variant_id, product_id, sku, title, quantity, unit, compare_at, source, discount, total, ppm, tax,
                sellable, i)
    GROUP BY l.n
  )
  SELECT w.store_id, w.id, jsonb_build_object('currency', s.currency, 'note', s.note, 'wantedMethod', s.wanted,
           'shippingMethod', s.method, 'taxIncluded', s.included, 'subtotalMinor', s.subtotal, 'discountMinor', s.discount,
           'shippingMinor', s.shipping, 'shippingTaxMinor', s.shipping_tax, 'taxMinor', s.tax, 'totalMinor', s.total,
           'lines', coalesce(l.lines, '[]'))
  FROM q CROSS JOIN LATERAL unnest(q.status, q.currency, q.note, q.wanted_method, q.shipping_method, q.tax_included,
         q.subtotal, q.discount, q.shipping, q.shipping_tax, q.tax, q.total) WITH ORDINALITY
         AS s(status, currency, note, wanted, method, included, subtotal, discount, shipping, shipping_tax, tax, total, n)
  JOIN wanted w ON w.n = s.n
  LEFT JOIN line l ON l.n = s.n
  WHERE s.status IS NOT NULL
$$;

-- Locks carts in the order of all flows.
CREATE FUNCTION carts.lock_group(p_stores text[], p_carts text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM unnest(p_stores, p_carts) AS w(store_id, id)
  JOIN carts.cart c ON c.store_id = w.store_id AND c.id = w.id
  ORDER BY c.store_id, c.id FOR UPDATE OF c;
END $$;

-- open → checking_out, each for its order; how many. p_go: the places of those; NULL: all. The caller holds the locks.
CREATE FUNCTION carts.begin_orders(p_stores text[], p_carts text[], p_orders text[], p_go bigint[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
BEGIN
  UPDATE carts.cart c
  SET status = 'checking_out', order_id = w.order_id, version = c.version + 1, updated_at = now()
  FROM unnest(p_stores, p_carts, p_orders) WITH ORDINALITY AS w(store_id, id, order_id, n)
  WHERE (p_go IS NULL OR w.n = ANY (p_go)) AND c.store_id = w.store_id AND c.id = w.id AND c.status = 'open';
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

-- checking_out → completed, each by its order; how many. The caller holds the locks.
CREATE FUNCTION carts.complete_orders(p_stores text[], p_carts text[], p_orders text[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
BEGIN
  UPDATE carts.cart c SET status = 'completed', version = c.version + 1, updated_at = now()
  FROM unnest(p_stores, p_carts, p_orders) AS w(store_id, id, order_id)
  WHERE c.store_id = w.store_id AND c.id = w.id AND c.status = 'checking_out' AND c.order_id = w.order_id;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;
