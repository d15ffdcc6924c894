CREATE SCHEMA taxes;

-- Whether prices of a store contain tax, and whose tax a cart is shown before its buyer has named a country.
CREATE TABLE taxes.setting (
  store_id           text        PRIMARY KEY,
  prices_include_tax boolean     NOT NULL DEFAULT false,
  default_country    text        CHECK (default_country ~ '^[A-Z]{2}$'),
  version            bigint      NOT NULL DEFAULT 1,
  updated_at         timestamptz NOT NULL DEFAULT now()
);

-- The rate of a category in a country, or in one of its regions ('' is the whole country), in parts per million of the
-- net amount: 190000 is 19 %, 88750 is 8.875 %.
CREATE TABLE taxes.rate (
  store_id   text        NOT NULL,
  id         text        NOT NULL,
  country    text        NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
  region     text        NOT NULL DEFAULT '',
  category   text        NOT NULL CHECK (category IN ('standard', 'reduced', 'zero')),
  name       text        NOT NULL,
  rate_ppm   integer     NOT NULL CHECK (rate_ppm BETWEEN 0 AND 1000000),
  version    bigint      NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (store_id, id),
  UNIQUE (store_id, country, region, category),
  CHECK (category <> 'zero' OR rate_ppm = 0)
);

-- Products that are not of the category 'standard'.
CREATE TABLE taxes.product_category (
  store_id   text NOT NULL,
  product_id text NOT NULL,
  category   text NOT NULL CHECK (category IN ('reduced', 'zero')),
  PRIMARY KEY (store_id, product_id)
);

-- How a cart that goes to this place is taxed. A region's rate comes before its country's; a category without a rate of its
-- own has the standard one, and 'zero' has none. NULL as the country: the store's default.
CREATE FUNCTION taxes.terms(p_store text, p_country text, p_region text)
RETURNS TABLE (included boolean, standard_ppm integer, reduced_ppm integer)
LANGUAGE sql STABLE AS $$
  SELECT coalesce(bool_or(s.prices_include_tax), false), coalesce(max(r.standard), 0),
         coalesce(max(r.reduced), max(r.standard), 0)
  FROM (VALUES (p_store)) w(store_id)
  LEFT JOIN taxes.setting s ON s.store_id = w.store_id
  LEFT JOIN LATERAL (
    SELECT (array_agg(t.rate_ppm ORDER BY t.region DESC) FILTER (WHERE t.category = 'standard'))[1] AS standard,
           (array_agg(t.rate_ppm ORDER BY t.region DESC) FILTER (WHERE t.category = 'reduced'))[1] AS reduced
    FROM taxes.rate t
    WHERE t.store_id = p_store AND t.country = coalesce(p_country, s.default_country)
      AND t.region IN ('', upper(coalesce(p_region, '')))) r ON true
$$;

-- The categories of those of these products that are not 'standard'.
CREATE FUNCTION taxes.categories(p_store text, p_products text[])
RETURNS TABLE (product_id text, category text)
LANGUAGE sql STABLE AS $$
  SELECT c.product_id, c.category FROM taxes.product_category c
  WHERE c.store_id = p_store AND c.product_id = ANY (p_products)
$$;

-- The tax on (or, when it is included, in) an amount: once a line, to the nearest minor unit, halves away from zero.
-- Added:    amount · rate           rounded
-- Included: amount · rate / (1+rate) rounded; net = amount − tax, so that net and tax always make the amount.
-- Integers of any size throughout (div truncates), so nothing is lost before the one rounding. Rounding a line to the
-- nearest unit is the common rule ("kaufmännisch", DIN 1333), and rounding a line rather than a total is left to the
-- member states by EU law (C-302/07, J D Wetherspoon; C-484/06, Koninklijke Ahold).
CREATE FUNCTION taxes.of(p_amount bigint, p_ppm integer, p_included boolean) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT sign(p_amount)::bigint *
         div(2 * abs(p_amount)::numeric * p_ppm + CASE WHEN p_included THEN 1000000 + p_ppm ELSE 1000000 END,
             2 * CASE WHEN p_included THEN 1000000 + p_ppm ELSE 1000000 END)::bigint
$$;
