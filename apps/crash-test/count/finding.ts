import type { Item } from "../journal.ts";

/**
 * `lost`: accepted, and its effect is not there (exactly as promised). `twice`: its effect is there more than once.
 * `oversold`: units sold that were not there. `left`: something that should be gone at rest.
 */
export type Finding = {
  readonly kind: "lost" | "twice" | "oversold" | "left";
  readonly what: string;
  readonly item?: Item | undefined;
  readonly units?: number;
};
