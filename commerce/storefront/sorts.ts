/** The orders of product lists. `position` is that of a hand-picked collection; elsewhere it is `newest`. */
export const productSorts = ["newest", "title", "price", "-price", "popularity", "position"] as const;
export type ProductSort = (typeof productSorts)[number];

/** Where a page ended: the product and the value that it was sorted by. */
export type Place = { id: string; key: string | number };
