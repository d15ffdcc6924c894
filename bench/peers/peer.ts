/** What a peer of the scenario `jobs` says when it is done: how many no-op jobs it did, and in what time. */
export type PeerRun = { version: string; done: number; seconds: number };

export function tell(run: PeerRun): never {
  console.log(JSON.stringify(run));
  process.exit(0);
}

/** Resolves `done` at the last of `count` calls, and takes the time since the first. */
export function counter(count: number): { one(): void; done: Promise<number> } {
  const { promise: done, resolve } = Promise.withResolvers<number>();
  let left = count;
  let startedAt = 0;
  return {
    done,
    one() {
      if (left === count) startedAt = performance.now();
      if (--left === 0) resolve((performance.now() - startedAt) / 1_000);
    },
  };
}

/** The version of an installed package. */
export async function versionOf(name: string): Promise<string> {
  const { version } = await Bun.file(
    new URL(`../../node_modules/${name}/package.json`, import.meta.url),
  ).json();
  return version as string;
}
