import { parseArgs } from "node:util";

export const USAGE = `usage: bun run crash-test [--json] [--seconds N] [--seed N]

Starts a stack of its own in a temporary folder, puts load on it, kills and stops its processes and servers, fills its
disks and cuts its connections; then lets it come to rest and counts whether everything that was accepted was done, once.

  --seconds N   how long faults go on (default 90; the whole takes about half a minute longer)
  --seed N      repeats a run: the same faults on the same targets in the same order (default: another each time)
  --nats-cluster  on three NATS servers with three copies of each stream: their leader is killed, one is frozen or cut off, all are
                restarted one by one; tells how long nothing was done meanwhile
  --only LIST   only these faults, separated by commas, out of those below
  --json        one line of JSON on standard output: { seed, accepted, done, lost, oversold, duplicateMails, kills, … }
  --keep        keeps the folder of the stack, with its logs, when something is wrong

Exit code 0: nothing lost, nothing twice, nothing oversold, nothing left over. 1: else, with the timeline of each item.`;

export type Options = {
  readonly json: boolean;
  readonly keep: boolean;
  readonly natsCluster: boolean;
  readonly seconds: number;
  readonly seed: number;
  readonly only: readonly string[] | null;
};

export class UsageError extends Error {
  override name = "UsageError";
}

const MAX_SEED = 2 ** 31 - 1;

/** "help" when that was asked for. @throws UsageError */
export function readOptions(argv: readonly string[]): Options | "help" {
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: {
        json: { type: "boolean", default: false },
        keep: { type: "boolean", default: false },
        "nats-cluster": { type: "boolean", default: false },
        help: { type: "boolean", default: false, short: "h" },
        seconds: { type: "string", default: "90" },
        seed: { type: "string", default: String(1 + Math.floor(Math.random() * 999_999)) },
        only: { type: "string" },
      },
    }));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  if (values.help) return "help";
  return {
    json: values.json === true,
    keep: values.keep === true,
    natsCluster: values["nats-cluster"] === true,
    seconds: whole("--seconds", values.seconds, 1, 3_600),
    seed: whole("--seed", values.seed, 0, MAX_SEED),
    only: typeof values.only === "string" ? values.only.split(",") : null,
  };
}

function whole(name: string, raw: unknown, min: number, max: number): number {
  const value = Number(raw);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new UsageError(`${name} takes a whole number from ${min} to ${max}`);
  }
  return value;
}
