CREATE SCHEMA shipping;

-- countries: where it is offered; empty: everywhere. free_over_minor: what a cart's goods must cost for it to be free.
CREATE TABLE shipping.method (
  store_id        text        NOT NULL,
  id              text        NOT NULL,
  name            text        NOT NULL,
  currency        text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  amount_minor    bigint      NOT NULL CHECK (amount_minor >= 0),
  countries       text[]      NOT NULL DEFAULT '{}',
  free_over_minor bigint      CHECK (free_over_minor >= 0),
  tax_category    text        NOT NULL DEFAULT 'standard' CHECK (tax_category IN ('standard', 'reduced', 'zero')),
  status          text        NOT NULL DEFAULT 'active' CHECK (status IN ('draft', 'active')),
  version         bigint      NOT NULL DEFAULT 1,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, id)
);

-- The method as a cart in this currency that goes to this country may have it; no row: it may not. NULL as the country:
-- not known yet.
CREATE FUNCTION shipping.offer(p_store text, p_method text, p_currency text, p_country text)
RETURNS TABLE (id text, name text, amount_minor bigint, free_over_minor bigint, tax_category text)
LANGUAGE sql STABLE AS $$
  SELECT m.id, m.name, m.amount_minor, m.free_over_minor, m.tax_category
  FROM shipping.method m
  WHERE m.store_id = p_store AND m.id = p_method AND m.status = 'active' AND m.currency = p_currency
    AND (m.countries = '{}' OR p_country IS NULL OR p_country = ANY (m.countries))
$$;
