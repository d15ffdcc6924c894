CREATE SCHEMA pricing;

-- The base price of a variant in one currency, in minor units. version rises with each change of the amount, so that a
-- checkout can see that a price is still the one that was shown.
CREATE TABLE pricing.price (
  store_id         text        NOT NULL,
  variant_id       text        NOT NULL,
  currency         text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  product_id       text        NOT NULL,
  amount_minor     bigint      NOT NULL CHECK (amount_minor >= 0),
  compare_at_minor bigint      CHECK (compare_at_minor >= 0),
  version          bigint      NOT NULL DEFAULT 1,
  updated_at       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, variant_id, currency)
);
CREATE INDEX price_product ON pricing.price (store_id, currency, product_id) INCLUDE (amount_minor);

-- The price of each variant right now; variants without a price in that currency are absent. source names the rule.
CREATE FUNCTION pricing.current(p_store text, p_currency text, p_variants text[])
RETURNS TABLE (variant_id text, amount_minor bigint, compare_at_minor bigint, version bigint, source text)
LANGUAGE sql STABLE AS $$
  SELECT p.variant_id, p.amount_minor, p.compare_at_minor, p.version, 'base'
  FROM pricing.price p
  WHERE p.store_id = p_store AND p.currency = p_currency AND p.variant_id = ANY (p_variants)
$$;

-- The lowest price of each product, for lists sorted by price.
CREATE FUNCTION pricing.floors(p_store text, p_currency text)
RETURNS TABLE (product_id text, amount_minor bigint)
LANGUAGE sql STABLE AS $$
  SELECT p.product_id, min(p.amount_minor)
  FROM pricing.price p
  WHERE p.store_id = p_store AND p.currency = p_currency
  GROUP BY p.product_id
$$;
