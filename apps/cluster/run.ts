/**
 * The life of the supervisor's process: settings, lock, cluster, first light, waiting, drain.
 *
 * Signals: SIGINT, SIGTERM, SIGHUP (a closed terminal) and the end of npx or `bun run` drain; one that comes later
 * hurries, which kills what still drains. During the start they are heeded as soon as the start is through.
 */
import { appendFileSync } from "node:fs";
import { type Config, ConfigError, loadConfig } from "../../platform/config.ts";
import { giveBackAtRest } from "../../platform/footprint.ts";
import { createLog } from "../../platform/log.ts";
import { MigrationError } from "../../platform/postgres/index.ts";
import { type Cluster, PortTaken, startCluster } from "./cluster.ts";
import { HomeInUse, openHome } from "./home.ts";
import { launcherGone } from "./launcher.ts";
import { followLogs } from "./log-files.ts";
import { createPrinter, type Printer } from "./printer.ts";
import { end } from "./process.ts";
import { untilReady } from "./ready.ts";
import { ServerError } from "./servers/index.ts";
import { summary } from "./summary.ts";

/** What people can do something about is told in one line; anything else is a defect and shows its stack. */
const explained = [ConfigError, HomeInUse, PortTaken, ServerError, MigrationError];

/** What the servers may take after the processes have drained. */
const STOP_MS = 30_000;

/** Returns the exit code. */
export async function runCluster(env: Record<string, string | undefined>): Promise<number> {
  try {
    await run(loadConfig(env), env);
    return 0;
  } catch (error) {
    const known = explained.some(kind => error instanceof kind);
    console.error(known ? `tradewind: ${(error as Error).message}` : error);
    return error instanceof ConfigError ? 2 : 1;
  }
}

async function run(config: Config, env: Record<string, string | undefined>): Promise<void> {
  const signalled = listen();
  void launcherGone(env).then(signalled.end);
  const home = await openHome(config.home, { drainMs: config.drainSeconds * 1_000 + STOP_MS });
  const printer = createPrinter(config.logFormat);
  const log = createLog({
    level: config.logLevel,
    process: "supervisor",
    destination: { write: line => append(home.path("logs", "supervisor.log"), line) },
  });
  // A forgotten promise is a defect, but no reason to leave servers and processes without anybody who watches them.
  process.on("unhandledRejection", error => log.error({ err: error }, "unhandled rejection"));
  const logFiles = followLogs(home.logDir, printer.lines);
  logFiles.follow("supervisor", { shown: true });
  try {
    const childEnv = Object.fromEntries(
      Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined),
    );
    const cluster = await startCluster({ config, home, log, logFiles, env: childEnv });
    await Promise.race([welcome(config, cluster, printer), signalled.first]);
    giveBackAtRest();
    await signalled.first;
    const stopped = cluster.stop();
    void signalled.second.then(() => killPrograms(cluster));
    await stopped;
  } finally {
    logFiles.close();
    home.unlock();
  }
}

/** A full or vanished disk must not end the supervisor. */
function append(file: string, line: string): void {
  try {
    appendFileSync(file, line, { mode: 0o600 });
  } catch {
    process.stderr.write(line);
  }
}

/** One Ctrl-C arrives twice: from the terminal, and forwarded by `bun run`. */
const SAME_SIGNAL_MS = 1_000;

function listen() {
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let since = 0;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      since ||= Date.now();
      (Date.now() - since < SAME_SIGNAL_MS ? first : second).resolve();
    });
  }
  return { first: first.promise, second: second.promise, end: first.resolve };
}

/** The servers are left to stop in order: their part is quick. */
async function killPrograms(cluster: Cluster): Promise<void> {
  const refs = cluster.programs().flatMap(unit => unit.current() ?? []);
  await Promise.all(refs.map(ref => end(ref, { patienceMs: 0 })));
}

async function welcome(config: Config, cluster: Cluster, printer: Printer): Promise<void> {
  const problem = await untilReady(cluster.stack);
  if (problem) printer.say(`\nNot ready yet: ${problem}\nThe logs are in ${cluster.stack.home}/logs.`);
  if (!problem && config.firstLight && config.demo) {
    const { runFirstLight } = await import("./first-light/index.ts");
    await runFirstLight(cluster.stack, printer.say);
  }
  printer.say(summary(cluster.stack, cluster.notes));
}
