/** The shapes of search, as OpenAPI shows them. */
import { t } from "elysia";
import { engineNames, facetNames, limits, searchSorts } from "../../../../search/index.ts";
import { oneOf } from "../../http/one-of.ts";
import { productSummaryView } from "./products.schema.ts";

const price = (description: string) =>
  t.Optional(t.Integer({ minimum: 0, maximum: limits.price, description }));

const text = (max: number, options: object = {}) => t.Optional(t.String({ maxLength: max, ...options }));

export const searchQuery = t.Object(
  {
    q: text(limits.q, { description: "words; the last one also as a beginning", examples: ["lanttern"] }),
    category: text(limits.value, { description: "handle or id" }),
    vendor: text(limits.value),
    priceMin: price("least price, minor units of the store's currency"),
    priceMax: price("greatest price"),
    inStock: t.Optional(t.Boolean()),
    options: text(limits.options, {
      description:
        "one of the values of each option; a backslash before `;`, `:` or a backslash of a name or value",
      examples: ["Colour:Red;Colour:Blue;Size:M"],
    }),
    sort: t.Optional(oneOf([...searchSorts], { description: "default: best first" })),
    limit: t.Optional(t.Integer({ minimum: 1, maximum: limits.limit })),
    offset: t.Optional(t.Integer({ minimum: 0, maximum: limits.offset })),
    facets: text(200, {
      description: `of ${facetNames.join(", ")}; with commas`,
      examples: ["category,price,option"],
    }),
    highlight: t.Optional(t.Boolean({ description: "show where the words are in each hit" })),
  },
  { additionalProperties: false },
);

const html = (description: string) =>
  t.String({ description: `HTML, all escaped but <mark>; ${description}` });

const hit = t.Composite([productSummaryView, t.Object({ inStock: t.Boolean() })]);

const highlights = t.Object({
  title: html("the title"),
  vendor: html("the vendor"),
  description: t.Nullable(html("the passage around the first word")),
});

export const searchAnswer = t.Object({
  items: t.Array(t.Composite([hit, t.Object({ highlights: t.Optional(highlights) })])),
  total: t.Integer({ description: "of all hits; an estimate above 1,000" }),
  facets: t.Record(t.String(), t.Record(t.String(), t.Number()), {
    description:
      "value → products among all hits, as if the facet itself were not filtered by; for price its min and max; each option as `option.<name>`",
  }),
  didYouMean: t.Nullable(
    t.String({ description: "the query with words that the shop has, where it has not those" }),
  ),
  corrected: t.Boolean({ description: "nothing was found as it stands; the hits are those of didYouMean" }),
  engine: oneOf(engineNames),
  tookMs: t.Number({ description: "what finding it took; in an answer that is given again, then" }),
});

export const suggestQuery = t.Object(
  {
    q: t.String({ minLength: 1, maxLength: limits.q, examples: ["lan"] }),
    limit: t.Optional(t.Integer({ minimum: 1, maximum: 20, description: "of products; default 6" })),
  },
  { additionalProperties: false },
);

export const suggestAnswer = t.Object({
  queries: t.Array(t.String(), { description: "what others searched for and found" }),
  products: t.Array(
    t.Composite([
      t.Pick(productSummaryView, ["id", "handle", "title", "vendor", "price", "available"]),
      t.Object({
        inStock: t.Boolean(),
        highlighted: html("the title"),
        image: t.Nullable(productSummaryView.properties.images.items),
      }),
    ]),
  ),
  categories: t.Array(t.Object({ handle: t.String(), title: t.String(), products: t.Integer() })),
  vendors: t.Array(t.Object({ vendor: t.String(), products: t.Integer() })),
  didYouMean: t.Nullable(t.String()),
  engine: oneOf(engineNames),
});

export const relatedParams = t.Object({
  idOrHandle: t.String({ minLength: 1, maxLength: 255, pattern: "^[^\\u0000]*$" }),
});

export const relatedQuery = t.Object(
  { limit: t.Optional(t.Integer({ minimum: 1, maximum: 24, description: "default 8" })) },
  { additionalProperties: false },
);

export const relatedAnswer = t.Object({
  items: t.Array(t.Composite([hit, t.Object({ reason: oneOf(["bought_together", "similar"]) })])),
  engine: oneOf(engineNames),
});

export const clickBody = t.Object(
  {
    q: t.String({ minLength: 1, maxLength: limits.q, description: "what was searched for" }),
    productId: t.String({ pattern: "^prod_[0-9a-z]{8,48}$", description: "what was chosen" }),
    position: t.Integer({
      minimum: 1,
      maximum: limits.offset + limits.limit,
      description: "its place among all hits, from 1",
    }),
  },
  {
    additionalProperties: false,
    examples: [{ q: "lantern", productId: "prod_06gzjwdgye91zkss", position: 2 }],
  },
);
