/** The project's own source files, for the tests that read them. */
import { join, relative } from "node:path";

export const root = join(import.meta.dir, "../..");

export type Source = { path: string; text: string };

/** Top folders that hold code; others (docs, data, dependencies) are not read. */
const LAYER_FOLDERS = ["platform", "bus", "commerce", "search", "media", "workers", "apps", "bench"];

/** Files that end in `.ts` (or `.tsx`) or `.sql`, paths relative to the project's root, in a stable order. */
export async function readSources(extension: "ts" | "sql"): Promise<Source[]> {
  const paths: string[] = [];
  for (const folder of LAYER_FOLDERS) {
    const glob = new Bun.Glob(`${folder}/**/*.${extension === "ts" ? "{ts,tsx}" : extension}`);
    for await (const path of glob.scan({ cwd: root })) {
      if (!path.includes("node_modules")) paths.push(path);
    }
  }
  return Promise.all(
    paths.sort().map(async path => ({
      path: relative(root, join(root, path)),
      text: await Bun.file(join(root, path)).text(),
    })),
  );
}

/** Tests, their fixtures and the helpers they share. */
export function isTest(path: string): boolean {
  return /\.(test|fixture)\.ts$/.test(path) || /(^|\/)testing(\/|\.ts$)/.test(path);
}
