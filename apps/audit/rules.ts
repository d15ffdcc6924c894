/** What can be said of the dependencies without asking anybody: the lock file, install scripts, licences. */

export type Package = { name: string; spec: string; integrity: string | undefined };

/** Packages with an install script that we know of and do not run; a new one is looked at by a person. */
const scriptsNotRun: Readonly<Record<string, string>> = {
  "@scarf/scarf": "counts installs for swagger-ui-dist; nothing needs it",
  "msgpackr-extract": "a faster decoder for bullmq, which only the bench uses",
};

/** What may be run and passed on beside an MIT program; LGPL is libvips alone, a library of its own that is loaded. */
const licences = new Set([
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC-BY-4.0",
  "CC0-1.0",
  "ISC",
  "MIT",
  "MIT-0",
  "MPL-2.0",
  "Python-2.0",
  "Unlicense",
]);
/** Their package.json names none; for development only. */
const unstated = new Set(["combine-errors", "humanize-number", "only"]);
const libraries: Readonly<Record<string, RegExp>> = { "LGPL-3.0-or-later": /^@img\/sharp-libvips-/ };

/** `bun.lock` is JSON with trailing commas. */
export function lockedPackages(lock: string): Package[] {
  const { packages } = JSON.parse(lock.replaceAll(/,(\s*[}\]])/g, "$1")) as {
    packages: Record<string, unknown[]>;
  };
  return Object.entries(packages).map(([name, entry]) => ({
    name,
    spec: String(entry[0]),
    integrity: entry.findLast(part => typeof part === "string" && part.startsWith("sha")) as
      | string
      | undefined,
  }));
}

/** Packages that come from elsewhere than the registry, or whose bytes nothing vouches for. */
export function unvouched(packages: readonly Package[]): string[] {
  const isVersion = (spec: string) => /@\d+\.\d+\.\d+[\w.+-]*$/.test(spec);
  return packages
    .filter(({ spec, integrity }) => !isVersion(spec) || !integrity?.startsWith("sha512-"))
    .map(({ name, spec }) => `${name}: ${spec} is no version of the registry with a SHA-512`);
}

/** Of what `bun pm untrusted` lists: packages whose install scripts were not run, and nobody has said why. */
export function unknownScripts(listing: string): string[] {
  const found = [...listing.matchAll(/^\.\/node_modules\/(\S+) @/gm)].map(match => match[1]!);
  return found
    .filter(name => !scriptsNotRun[name.split("/node_modules/").at(-1)!])
    .map(name => `${name} wants to run a script at install`);
}

type Licensed = Readonly<Record<string, readonly { name: string }[]>>;

/** Of what `bun pm licenses --json` says. */
export function otherLicences(listing: Licensed): string[] {
  return Object.entries(listing).flatMap(([licence, packages]) => {
    const parts = licence.replaceAll(/[()]/g, "").split(/ OR /);
    if (parts.some(part => part.split(/ AND /).every(one => licences.has(one)))) return [];
    return packages
      .filter(({ name }) => !libraries[licence]?.test(name) && !unstated.has(name))
      .map(({ name }) => `${name} has the licence ${licence}`);
  });
}
