/**
 * What our processes are started from: the program's files, Bun, and the settings. A process carries a hash of it in its
 * environment, so that a supervisor knows those of an earlier one that it would start just the same (leftovers.ts).
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { settings } from "../../platform/config.ts";
import { root } from "./install.ts";

/** Not one of the settings: processes need not know it. */
const VARIABLE = "TW_ORIGIN";
const SOURCES = "{apps,bus,commerce,media,platform,search,workers}/**/*.{ts,tsx,sql,css,html,json}";

export function originOf(env: Readonly<Record<string, string | undefined>>): string {
  const hash = new Bun.CryptoHasher("sha256").update(`${root}\n${process.execPath} ${Bun.version}\n`);
  for (const { env: name } of Object.values(settings)) hash.update(`${name}=${env[name] ?? ""}\n`);
  hash.update(readFileSync(join(root, "bun.lock")));
  for (const file of [...new Bun.Glob(SOURCES).scanSync({ cwd: root })].sort()) {
    const { size, mtimeMs } = statSync(join(root, file));
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex").slice(0, 32);
}

export const originMark = (origin: string): Record<string, string> => ({ [VARIABLE]: origin });
