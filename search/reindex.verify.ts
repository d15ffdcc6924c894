import type { IndexedEngine, IndexName } from "./engine.ts";

const PAGE = 2_000;

/** The products of which the index does not hold the version that it should, or that it should not hold. */
export async function differences(
  engine: IndexedEngine,
  index: IndexName,
  expected: ReadonlyMap<string, number>,
): Promise<string[]> {
  const missing = new Map(expected);
  const wrong: string[] = [];
  for (let offset = 0; ; offset += PAGE) {
    const page = await engine.held(index, { offset, limit: PAGE });
    for (const { productId, version } of page) {
      if (missing.get(productId) !== version) wrong.push(productId);
      missing.delete(productId);
    }
    if (page.length < PAGE) return [...new Set([...wrong, ...missing.keys()])];
  }
}
