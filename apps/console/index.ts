/**
 * The web console for operators and merchants: a page, its script and its style, bundled by Bun when somebody first asks
 * (a tenth of a second) and kept in memory. There is no build step and nothing on disk that could be out of date.
 *
 * `client/` is what runs in the browser; it imports nothing from outside its folder and talks HTTP only. Who may do what
 * is decided by the API (apps/api/http/console-session.ts), never here.
 *
 * Always holds: the page has no inline script or style, so that it runs under a policy that allows none; a file's name
 * holds a hash of its content, the same on every node.
 */
import { basename, join } from "node:path";

export type ConsoleFile = { readonly text: string; readonly type: string };

export type ConsoleBundle = { readonly page: string; readonly files: ReadonlyMap<string, ConsoleFile> };

/** Where the API serves the files. */
export const ASSETS = "/console/assets/";

let bundle: Promise<ConsoleBundle> | undefined;

/** The console's files; made once per process. A failure is not kept. */
export function consoleBundle(): Promise<ConsoleBundle> {
  bundle ??= build().catch(error => {
    bundle = undefined;
    throw error;
  });
  return bundle;
}

async function build(): Promise<ConsoleBundle> {
  const { outputs } = await Bun.build({
    entrypoints: [join(import.meta.dir, "client", "index.html")],
    target: "browser",
    minify: true,
    publicPath: ASSETS,
  });
  const page = outputs.find(one => one.path.endsWith(".html"));
  if (!page) throw new Error("the bundle of the console has no page");
  const files = await Promise.all(
    outputs
      .filter(one => one !== page)
      .map(async one => [basename(one.path), { text: await one.text(), type: one.type }] as const),
  );
  return { page: await page.text(), files: new Map(files) };
}
