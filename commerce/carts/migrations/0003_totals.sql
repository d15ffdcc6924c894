ALTER TABLE carts.cart
  ADD COLUMN note text CHECK (length(note) <= 1000),
  ADD COLUMN shipping_method_id text;

DROP FUNCTION carts.quote(text, text);

-- What carts cost right now: the one place where totals are computed. Cart views show it and checkouts charge it, so they
-- can't disagree. p_carts: [{ storeId, cartId }], any number in one statement; one row for each cart there is.
--
-- quote: { currency, note, wantedMethod, shippingMethod: { id, name } | null, taxIncluded, subtotalMinor, discountMinor,
--          shippingMinor, shippingTaxMinor, taxMinor, totalMinor,
--          lines: [{ lineId, variantId, productId, sku, title, quantity, unitMinor, compareAtMinor, source, discountMinor,
--                    totalMinor, taxRatePpm, taxMinor, sellable }] in the order they were added }
--
--   subtotal = Σ unit · quantity          tax      = Σ tax of lines + tax of shipping, each rounded by itself
--   total    = subtotal − discount + shipping (+ tax, unless prices include it)
--
-- A line that can't be bought any more (sellable false, unitMinor NULL without a price) counts nothing, but stays. A method
-- that this cart may not have (any more) costs nothing either: wantedMethod is set and shippingMethod is NULL, which a
-- checkout refuses.
CREATE FUNCTION carts.quotes(p_carts jsonb) RETURNS TABLE (store_id text, cart_id text, quote jsonb)
LANGUAGE sql STABLE AS $$
  WITH cart AS MATERIALIZED (
    SELECT c.store_id, c.id, c.currency, c.note, c.shipping_method_id, c.shipping_address ->> 'country' AS country,
           t.included, t.standard_ppm, t.reduced_ppm
    FROM (SELECT DISTINCT w."storeId", w."cartId"
          FROM jsonb_to_recordset(p_carts) AS w("storeId" text, "cartId" text)) w
    JOIN carts.cart c ON c.store_id = w."storeId" AND c.id = w."cartId"
    CROSS JOIN LATERAL taxes.terms(c.store_id, c.shipping_address ->> 'country', c.shipping_address ->> 'region') t
  ), line AS MATERIALIZED (
    SELECT row_number() OVER (ORDER BY l.store_id, l.cart_id, l.id) AS n, l.store_id, l.cart_id, l.id, l.variant_id,
           l.quantity, c.currency, c.included, c.standard_ppm, c.reduced_ppm
    FROM cart c JOIN carts.line l ON l.store_id = c.store_id AND l.cart_id = c.id
  ), price AS MATERIALIZED (
    SELECT * FROM pricing.resolve_all((
      SELECT jsonb_agg(jsonb_build_object('storeId', l.store_id, 'currency', l.currency, 'variantId', l.variant_id,
                         'quantity', l.quantity) ORDER BY l.n) FROM line l), now())
  ), shop AS MATERIALIZED (
    SELECT l.store_id, array_agg(DISTINCT l.variant_id) AS variants FROM line l GROUP BY l.store_id
  ), variant AS MATERIALIZED (
    SELECT s.store_id, v.* FROM shop s CROSS JOIN LATERAL catalog.sellable(s.store_id, s.variants) v
  ), untaxed AS MATERIALIZED (
    SELECT s.store_id, u.variant_id FROM shop s CROSS JOIN LATERAL catalog.untaxed(s.store_id, s.variants) u
  ), category AS MATERIALIZED (
    SELECT s.store_id, k.product_id, k.category
    FROM (SELECT v.store_id, array_agg(DISTINCT v.product_id) AS products FROM variant v GROUP BY v.store_id) s
    CROSS JOIN LATERAL taxes.categories(s.store_id, s.products) k
  ), priced AS (
    SELECT l.n, l.store_id, l.cart_id, l.id, l.variant_id, l.quantity, l.included, v.product_id, v.sku,
           CASE WHEN v.title = v.product_title THEN v.title ELSE v.product_title || ' – ' || v.title END AS title,
           p.amount_minor, p.compare_at_minor, p.source, 0::bigint AS discount_minor,
           CASE WHEN u.variant_id IS NOT NULL OR k.category = 'zero' THEN 0
                WHEN k.category = 'reduced' THEN l.reduced_ppm ELSE l.standard_ppm END AS ppm,
           coalesce(v.status = 'active', false) AND p.amount_minor IS NOT NULL AS sellable
    FROM line l
    LEFT JOIN price p ON p.n = l.n
    LEFT JOIN variant v ON v.store_id = l.store_id AND v.variant_id = l.variant_id
    LEFT JOIN untaxed u ON u.store_id = l.store_id AND u.variant_id = l.variant_id
    LEFT JOIN category k ON k.store_id = v.store_id AND k.product_id = v.product_id
  ), counted AS (
    SELECT p.*, t.total_minor, taxes.of(t.total_minor, p.ppm, p.included) AS tax_minor
    FROM priced p
    CROSS JOIN LATERAL (SELECT CASE WHEN p.sellable THEN p.amount_minor * p.quantity - p.discount_minor ELSE 0 END) t(total_minor)
  ), goods AS MATERIALIZED (
    SELECT d.store_id, d.cart_id, bool_or(d.sellable) AS any_sellable,
           sum(d.total_minor + d.discount_minor) FILTER (WHERE d.sellable) AS subtotal,
           sum(d.discount_minor) FILTER (WHERE d.sellable) AS discount, sum(d.tax_minor) AS tax,
           jsonb_agg(jsonb_build_object('lineId', d.id, 'variantId', d.variant_id, 'productId', d.product_id, 'sku', d.sku,
             'title', d.title, 'quantity', d.quantity, 'unitMinor', d.amount_minor, 'compareAtMinor', d.compare_at_minor,
             'source', d.source, 'discountMinor', d.discount_minor, 'totalMinor', d.total_minor, 'taxRatePpm', d.ppm,
             'taxMinor', d.tax_minor, 'sellable', d.sellable) ORDER BY d.n) AS lines
    FROM counted d GROUP BY d.store_id, d.cart_id
  ), summed AS MATERIALIZED (
    SELECT c.*, g.lines, coalesce(g.subtotal, 0) AS subtotal, coalesce(g.discount, 0) AS discount, coalesce(g.tax, 0) AS tax,
           o.id AS offered, o.name AS method_name, o.tax_category,
           CASE WHEN NOT coalesce(g.any_sellable, false) OR g.subtotal - g.discount >= o.free_over_minor THEN 0
                ELSE coalesce(o.amount_minor, 0) END AS shipping
    FROM cart c
    LEFT JOIN goods g ON g.store_id = c.store_id AND g.cart_id = c.id
    LEFT JOIN LATERAL shipping.offer(c.store_id, c.shipping_method_id, c.currency, c.country) o ON true
  )
  SELECT s.store_id, s.id, jsonb_build_object('currency', s.currency, 'note', s.note, 'wantedMethod', s.shipping_method_id,
           'shippingMethod', CASE WHEN s.offered IS NOT NULL THEN jsonb_build_object('id', s.offered, 'name', s.method_name) END,
           'taxIncluded', s.included, 'subtotalMinor', s.subtotal, 'discountMinor', s.discount, 'shippingMinor', s.shipping,
           'shippingTaxMinor', t.tax, 'taxMinor', s.tax + t.tax,
           'totalMinor', s.subtotal - s.discount + s.shipping + CASE WHEN s.included THEN 0 ELSE s.tax + t.tax END,
           'lines', coalesce(s.lines, '[]'))
  FROM summed s
  CROSS JOIN LATERAL (SELECT taxes.of(s.shipping, CASE s.tax_category WHEN 'standard' THEN s.standard_ppm
                               WHEN 'reduced' THEN s.reduced_ppm ELSE 0 END, s.included)) t(tax)
$$;
