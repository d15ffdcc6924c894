/** `bun run crash-test`: see options.ts for what it says of itself. */
import { faultNames, natsFaultNames } from "./faults/index.ts";
import { type Options, readOptions, USAGE, UsageError } from "./options.ts";
import { isClean, show } from "./report.ts";
import { crashTest } from "./run.ts";

async function main(): Promise<number> {
  let options: Options | "help";
  try {
    options = readOptions(process.argv.slice(2));
    if (options !== "help") checkNames(options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`crash-test: ${error.message}\n\n${USAGE}`);
    return 2;
  }
  if (options === "help") {
    console.log(
      `${USAGE}\n\nFaults:\n${listed(faultNames)}\n\nFaults of --nats-cluster:\n${listed(natsFaultNames)}`,
    );
    return 0;
  }
  console.error(`crash-test: seed ${options.seed}, faults for ${options.seconds} s`);
  const began = Date.now();
  const tell = (line: string) =>
    console.error(`${((Date.now() - began) / 1_000).toFixed(1).padStart(6)} s  ${line}`);
  const report = await crashTest(options, tell);
  console.log(options.json ? JSON.stringify(report) : show(report));
  return isClean(report) ? 0 : 1;
}

const listed = (names: readonly string[]) => names.map(name => `  ${name}`).join("\n");

function checkNames({ only, natsCluster }: Options): void {
  const names: readonly string[] = natsCluster ? natsFaultNames : faultNames;
  const unknown = only?.find(name => !names.includes(name));
  if (unknown !== undefined) throw new UsageError(`there is no fault ${unknown}`);
}

process.exit(await main());
