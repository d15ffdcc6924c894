/**
 * `bun run check`: format and lint, types, architecture rules. Needs no servers.
 *
 * Bootstrap: only files without dependencies are imported before the install.
 */
import { join } from "node:path";
import { ensureInstalled, root } from "./install.ts";

ensureInstalled();

const bin = (name: string) => join(root, "node_modules", ".bin", name);
const steps: { name: string; command: string[] }[] = [
  { name: "format and lint", command: [bin("biome"), "check", "."] },
  { name: "types", command: [bin("tsc"), "-p", "."] },
  { name: "types of the console", command: [bin("tsc"), "-p", "apps/console/client"] },
  { name: "architecture", command: [process.execPath, "test", "apps/architecture"] },
];

const failed: string[] = [];
for (const { name, command } of steps) {
  console.log(`check: ${name}`);
  const run = Bun.spawnSync(command, { cwd: root, stdout: "inherit", stderr: "inherit" });
  if (run.exitCode !== 0) failed.push(name);
}
console.log(failed.length === 0 ? "check: clean" : `check failed: ${failed.join(", ")}`);
process.exit(failed.length === 0 ? 0 : 1);
