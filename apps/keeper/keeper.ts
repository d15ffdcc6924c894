/**
 * What must go on in the background. Any number of keepers may run: the relay shares rows by `SKIP LOCKED`, the
 * projection shares one consumer, sweeps are conditional statements. A chore that fails is logged and tried again at
 * its next turn; it never stops the others.
 */
import {
  type Bus,
  type Contract,
  contracts,
  deleteErasedMessages,
  ensureLedgerPartitions,
  forgetOldJobs,
  ghosts,
  lostJobs,
  mendStranded,
  startDeadProjection,
  startRelay,
  startReleaser,
  stepCanaries,
  sweepCancellations,
  sweepUnique,
  windowsOf,
} from "../../bus/index.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";
import type { Metrics } from "../../platform/metrics.ts";
import type { Db } from "../../platform/postgres/index.ts";

export type Chore = {
  name: string;
  everyMs: number;
  run(): Promise<unknown>;
};

export type KeeperDeps = {
  bus: Bus;
  sql: Db;
  log: Log;
  clock: Clock;
  chores: readonly Chore[];
  metrics?: Metrics | undefined;
};

/** Relays side by side; one locks and publishes while the other commits. */
const RELAYS = 2;
const HOUR_MS = 3_600_000;
const CANARY_MS = 500;
const CAPS_MS = 5_000;
const LOST_MS = 15_000;
const DURABLES_MS = 5_000;

export async function startKeeper(deps: KeeperDeps): Promise<{ stop(): Promise<void> }> {
  const { bus, sql, log, clock } = deps;
  const { connection } = bus;
  await bus.ready;
  const partitions: Chore = {
    name: "ledger partitions",
    everyMs: HOUR_MS,
    run: () => ensureLedgerPartitions(sql, clock.now()),
  };
  const cancellations: Chore = {
    name: "jobs to be cancelled",
    everyMs: 2_000,
    run: () => sweepCancellations(sql),
  };
  const retention: Chore = {
    name: "jobs and dead letters whose time is over",
    everyMs: HOUR_MS,
    run: () => forgetOldJobs(sql, clock.now()),
  };
  const erased: Chore = {
    name: "dead letters of people who were erased",
    everyMs: 5_000,
    run: () => deleteErasedMessages({ sql, connection }),
  };
  const canaries: Chore = {
    name: "canaries of dead letters",
    everyMs: CANARY_MS,
    async run() {
      if ((await stepCanaries(sql)) > 0) bus.poke();
    },
  };
  const claims: Chore = { name: "claims of unique jobs", everyMs: 60_000, run: () => sweepUnique(sql) };
  const resend = lostJobs({ sql, connection, log });
  const lost: Chore = { name: "jobs that JetStream lost", everyMs: LOST_MS, run: resend };
  const all = [...[partitions, retention, cancellations, canaries, erased, claims, lost], ...deps.chores];
  const chores = all.map(chore => startChore(chore, log));
  const windows = windowsOf(bus);
  const relays = Array.from({ length: RELAYS }, () => startRelay({ connection, sql, log, windows }));
  const releaser = startReleaser({ connection, sql, log, windows });
  const projection = startDeadProjection({ connection, sql, log, metrics: deps.metrics });
  // Caps are applied by who sets them. Keepers see to it that the last one stays: in case that process died in between, or
  // of two that set one at the same moment the slower had the last word. One pass at a time, each with what holds then.
  const caps = startChore({ name: "caps", everyMs: CAPS_MS, run: () => applyCaps(bus) }, log);
  const unwatch = bus.kinds.watch(() => caps.poke());
  const durables = startChore({ name: "durables", everyMs: DURABLES_MS, run: durablesOf(deps) }, log);
  const unheed = connection.onReconnect(() => durables.poke());
  return {
    async stop() {
      unwatch();
      unheed();
      await Promise.all(
        [...chores, caps, durables, ...relays, releaser, projection].map(part => part.stop()),
      );
    },
  };
}

/** What a server that was killed, or whose disk was full, leaves of them. */
function durablesOf({ bus, log }: KeeperDeps): () => Promise<void> {
  const { connection } = bus;
  const acknowledge = ghosts({ connection, log });
  const capOf = (contract: Contract) => bus.kinds.state(contract).capNow;
  return async () => {
    await mendStranded(connection, { log, capOf });
    await acknowledge();
  };
}

async function applyCaps(bus: Bus): Promise<void> {
  if (!bus.isConnected) return;
  await Promise.all(contracts.map(contract => bus.applyCap(contract, bus.kinds.state(contract).capNow)));
}

/** `poke`: at once, or again after the turn that is under way. */
function startChore(chore: Chore, log: Log): { poke(): void; stop(): Promise<void> } {
  let stopped = false;
  let poked = false;
  let wake = () => {};
  async function loop(): Promise<void> {
    while (!stopped) {
      poked = false;
      await chore.run().catch(error => log.warn({ err: error, chore: chore.name }, "chore failed"));
      if (stopped) return;
      if (poked) continue;
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, chore.everyMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
  const running = loop();
  return {
    poke() {
      poked = true;
      wake();
    },
    async stop() {
      stopped = true;
      wake();
      await running;
    },
  };
}
