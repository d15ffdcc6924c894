-- Lists are sorted by the prices of their summaries, sales included (storefront.listing), not by base prices.
DROP FUNCTION pricing.floors(text, text);
DROP INDEX pricing.price_product;
