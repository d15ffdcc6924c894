/**
 * Installs the dependencies when they are missing or not those of the lock file. Imports nothing from node_modules:
 * it runs before there are any.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dir, "..", "..");

/** Holds the hash of the lock file that node_modules was installed from. */
const stampFile = join(root, "node_modules", ".tradewind-lock");

/** @throws when `bun install` fails; its own words are on the terminal then. */
export function ensureInstalled(): void {
  const wanted = new Bun.CryptoHasher("sha256").update(readFileSync(join(root, "bun.lock"))).digest("hex");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === wanted) return;
  const run = Bun.spawnSync([process.execPath, "install", "--frozen-lockfile"], {
    cwd: root,
    stdout: "inherit",
    stderr: "inherit",
  });
  if (run.exitCode !== 0) throw new Error("bun install failed; see above");
  writeFileSync(stampFile, wanted);
}
