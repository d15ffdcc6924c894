/** The browser for the tests of the web console. It is never installed by us: a newcomer's machine may be without. */
import { existsSync } from "node:fs";
import { ConfigError } from "../../platform/config.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "microsoft-edge"];
const MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/** Path of a Chromium; null when there is none. @throws ConfigError when the one that was named is not there. */
export function findChromium(named: string | undefined): string | null {
  if (named !== undefined) {
    if (existsSync(named)) return named;
    throw new ConfigError(`CHROMIUM_BIN names ${named}, which is not there`);
  }
  for (const name of NAMES) {
    const found = Bun.which(name);
    if (found) return found;
  }
  return existsSync(MAC) ? MAC : null;
}

export const NO_BROWSER =
  "the web console in a browser: there is no Chromium (Debian: apt-get install chromium; or set CHROMIUM_BIN)";
