/**
 * `bun run audit`: the dependencies, by rules that need nobody (rules.ts) and by the registry's list of known weaknesses, where
 * it can be asked. Exit code 1 for a broken rule, or a weakness rated high or worse; that the list could not be asked is said,
 * and fails nothing.
 */
import { join } from "node:path";
import { lockedPackages, otherLicences, unknownScripts, unvouched } from "./rules.ts";

const root = join(import.meta.dir, "../..");
const PATIENCE_MS = 60_000;

function bun(...args: string[]) {
  const run = Bun.spawnSync([process.execPath, ...args], { cwd: root, timeout: PATIENCE_MS });
  return { code: run.exitCode, out: run.stdout.toString(), err: run.stderr.toString() };
}

/** Null when the registry could not be asked. */
function weaknesses(): { found: boolean; text: string } | null {
  const { code, out, err } = bun("audit", "--audit-level=high");
  const text = `${out}\n${err}`;
  if (code === 0) return { found: false, text: out.trim() };
  return /vulnerabilit|severity/i.test(text) ? { found: true, text: out.trim() } : null;
}

const lock = await Bun.file(join(root, "bun.lock")).text();
const packages = lockedPackages(lock);
const broken = [
  ...unvouched(packages),
  ...unknownScripts(bun("pm", "untrusted").out),
  ...otherLicences(JSON.parse(bun("pm", "licenses", "--json").out)),
];
if (bun("install", "--frozen-lockfile", "--dry-run").code !== 0)
  broken.push("bun.lock does not fit package.json");
for (const fault of broken) console.log(`audit: ${fault}`);
if (broken.length === 0)
  console.log(`audit: ${packages.length} packages: SHA-512, scripts and licences as they should be`);

const asked = weaknesses();
if (asked === null)
  console.log("audit: the registry's list of known weaknesses could not be asked from here");
else console.log(asked.found ? asked.text : "audit: no known weakness rated high or worse");
process.exit(broken.length > 0 || asked?.found ? 1 : 0);
