/**
 * The project's own small shop, so that a first start has something to show: 25 products with 50 variants in 10
 * categories as a product file, and three pictures with the drawings they were made from. Owns no tables; it comes in
 * through the same doors as a merchant's files.
 */
import { join } from "node:path";

export { seedProducts } from "./many.ts";
export { setDemoTerms } from "./terms.ts";

const picture = (name: string) => join(import.meta.dir, "pictures", name);

/** The store that a first start makes. */
export const demoStore = { id: "store_demo", name: "Tradewind Demo", currency: "EUR" } as const;

/** Path of a product file in Shopify's CSV layout. */
export const demoCatalog = join(import.meta.dir, "catalog.csv");

/** Paths of JPEGs of 1600 × 1200 and 1200 × 1600 pixels, under 150 KB each. */
export const demoPictures = [picture("lighthouse.jpg"), picture("mugs.jpg"), picture("sails.jpg")] as const;

/** The one that the first-light journey uploads. */
export const demoPicture: string = demoPictures[0];
