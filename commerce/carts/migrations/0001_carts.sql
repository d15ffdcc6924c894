CREATE SCHEMA carts;

-- open ⇄ checking_out → completed. order_id: the order that a checkout is making or has made of it. shown_total_minor:
-- the total that its reader saw last, so that a checkout can refuse another one.
CREATE TABLE carts.cart (
  store_id          text        NOT NULL,
  id                text        NOT NULL,
  status            text        NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'checking_out', 'completed')),
  currency          text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  email             text,
  shipping_address  jsonb,
  shown_total_minor bigint      NOT NULL DEFAULT 0,
  order_id          text,
  version           bigint      NOT NULL DEFAULT 1,
  created_at        timestamptz NOT NULL DEFAULT now(),
  updated_at        timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, id),
  CHECK ((status = 'open') = (order_id IS NULL))
);

CREATE TABLE carts.line (
  store_id   text    NOT NULL,
  cart_id    text    NOT NULL,
  id         text    NOT NULL,
  variant_id text    NOT NULL,
  quantity   integer NOT NULL CHECK (quantity BETWEEN 1 AND 9999),
  PRIMARY KEY (store_id, cart_id, id),
  UNIQUE (store_id, cart_id, variant_id),
  FOREIGN KEY (store_id, cart_id) REFERENCES carts.cart (store_id, id) ON DELETE CASCADE
);

-- The lines of a cart at current prices, in the order they were added. unit_minor is NULL and sellable false where a
-- variant can't be bought any more. Cart views and checkout both use this, so that they can't disagree.
CREATE FUNCTION carts.quote(p_store text, p_cart text)
RETURNS TABLE (line_id text, variant_id text, product_id text, sku text, title text, quantity integer,
               unit_minor bigint, compare_at_minor bigint, total_minor bigint, sellable boolean)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_variants text[];
  v_currency text;
BEGIN
  SELECT c.currency, (SELECT array_agg(l.variant_id) FROM carts.line l WHERE l.store_id = p_store AND l.cart_id = p_cart)
  INTO v_currency, v_variants
  FROM carts.cart c WHERE c.store_id = p_store AND c.id = p_cart;
  IF v_variants IS NULL THEN RETURN; END IF;
  RETURN QUERY
    SELECT l.id, l.variant_id, s.product_id, s.sku,
           CASE WHEN s.title = s.product_title THEN s.title ELSE s.product_title || ' – ' || s.title END,
           l.quantity, p.amount_minor, p.compare_at_minor, p.amount_minor * l.quantity,
           coalesce(s.status = 'active', false) AND p.amount_minor IS NOT NULL
    FROM carts.line l
    LEFT JOIN catalog.sellable(p_store, v_variants) s ON s.variant_id = l.variant_id
    LEFT JOIN pricing.current(p_store, v_currency, v_variants) p ON p.variant_id = l.variant_id
    WHERE l.store_id = p_store AND l.cart_id = p_cart
    ORDER BY l.id;
END $$;

-- Locks carts in the order of all flows and returns the variants in them, for the stock locks that come next.
-- p_carts: [{ storeId, cartId }].
CREATE FUNCTION carts.lock(p_carts jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM carts.cart c
  JOIN (SELECT DISTINCT w."storeId", w."cartId" FROM jsonb_to_recordset(p_carts) AS w("storeId" text, "cartId" text)) w
    ON c.store_id = w."storeId" AND c.id = w."cartId"
  ORDER BY c.store_id, c.id
  FOR UPDATE OF c;
  RETURN (
    SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('storeId', l.store_id, 'variantId', l.variant_id)), '[]')
    FROM jsonb_to_recordset(p_carts) AS w("storeId" text, "cartId" text)
    JOIN carts.line l ON l.store_id = w."storeId" AND l.cart_id = w."cartId");
END $$;

-- open → checking_out for one order. outcome: claimed, missing, busy (another checkout runs) or completed.
CREATE FUNCTION carts.begin_checkout(p_store text, p_cart text, p_order text)
RETURNS TABLE (outcome text, order_id text, currency text, email text, shipping_address jsonb, shown_total_minor bigint)
LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY
    UPDATE carts.cart c SET status = 'checking_out', order_id = p_order, version = c.version + 1, updated_at = now()
    WHERE c.store_id = p_store AND c.id = p_cart AND c.status = 'open'
    RETURNING 'claimed', c.order_id, c.currency, c.email, c.shipping_address, c.shown_total_minor;
  IF FOUND THEN RETURN; END IF;
  RETURN QUERY
    SELECT CASE c.status WHEN 'completed' THEN 'completed' ELSE 'busy' END, c.order_id, c.currency, c.email,
           c.shipping_address, c.shown_total_minor
    FROM carts.cart c WHERE c.store_id = p_store AND c.id = p_cart;
  IF NOT FOUND THEN RETURN QUERY SELECT 'missing', NULL, NULL, NULL, NULL::jsonb, NULL::bigint; END IF;
END $$;

-- checking_out → open: the checkout of this order came to nothing.
CREATE FUNCTION carts.reopen(p_store text, p_cart text, p_order text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE carts.cart c SET status = 'open', order_id = NULL, version = c.version + 1, updated_at = now()
  WHERE c.store_id = p_store AND c.id = p_cart AND c.status = 'checking_out' AND c.order_id = p_order;
  RETURN FOUND;
END $$;

-- checking_out → completed: this order was placed.
CREATE FUNCTION carts.complete(p_store text, p_cart text, p_order text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE carts.cart c SET status = 'completed', version = c.version + 1, updated_at = now()
  WHERE c.store_id = p_store AND c.id = p_cart AND c.status = 'checking_out' AND c.order_id = p_order;
  RETURN FOUND;
END $$;
