/**
 * Installs the dependencies when they are missing or not those of the lock file and patches. Imports nothing from
 * node_modules: it runs before there are any.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dir, "..", "..");

/** Holds the hash of the lock file and patches that node_modules was installed from. */
const stampFile = join(root, "node_modules", ".tradewind-lock");

/** @throws when `bun install` fails; its own words are on the terminal then. */
export function ensureInstalled(): void {
  const wanted = fingerprint();
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === wanted) return;
  const run = Bun.spawnSync([process.execPath, "install", "--frozen-lockfile"], {
    cwd: root,
    stdout: "inherit",
    stderr: "inherit",
  });
  if (run.exitCode !== 0) throw new Error("bun install failed; see above");
  writeFileSync(stampFile, wanted);
}

/** The lock file names the patches, but does not change with what is in them. */
function fingerprint(): string {
  const hash = new Bun.CryptoHasher("sha256");
  const patches = readdirSync(join(root, "patches")).sort();
  for (const file of ["bun.lock", ...patches.map(name => join("patches", name))])
    hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
}
