/**
 * Read replicas: physical copies of the database that follow it by streaming, for reads that need not be asked of the primary.
 * What can go wrong with one costs a read a moment, never an error: it is read on the primary then.
 *
 * ## How old a replica is
 *
 * Each process asks the primary every {@link POLL_MS} how far its log is: a *moment*. All that anybody has seen committed before
 * the moment lies before that position (position.ts). Each replica is asked how far it has replayed (replica.ts); so there is a last
 * moment that it has reached, and it shows everything that was committed before that one. One whose last moment is more than
 * {@link BEHIND_MS} ago is left out, and so is one that does not answer, that just failed, that is no replica (any more), or
 * that is a copy of another server.
 *
 * ## Two ways to read
 *
 * - {@link Replicas.read}, for histories and lists of which nothing is kept: the primary is asked for its position *now*, which
 *   costs it next to nothing, and a replica that has replayed that much, at once or within {@link WAIT_MS}, is read. So whoever wrote something,
 *   or heard that somebody did, by whatever node, reads it; nothing needs to be known of sessions.
 * - {@link Replicas.nearest}, for what is kept (platform/cache/copies.ts): a replica with its moment, which costs nothing. Who reads so
 *   knows what has changed since and judges whether it concerns him.
 *
 * ## What goes wrong
 *
 * - a replica dies, hangs, or cancels a statement to go on replaying: the read fails there at once or is given up, and is done on the
 *   primary. Nobody asks it until it has answered again.
 * - it stops replaying, or is cut off from the primary: the moments go on and it stays, so within {@link BEHIND_MS} it is left out.
 * - it comes back from a crash with less than it had: replica.ts.
 * - the primary is lost and another takes its place that lacks the last commits, while a replica has them: it can't follow that one and
 *   stays where it is; as soon as the new primary's log is longer it is behind, and shows until then what was lost. Whoever lets a server
 *   take over that lacks something sets such replicas up anew.
 * - the primary does not answer: there are no new moments, and within {@link BEHIND_MS} nobody reads from replicas.
 * - this process crashes: it knows nothing that another needs.
 */
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Db } from "../postgres/index.ts";
import type { Tracer } from "../tracing/index.ts";
import { type Moment, Moments } from "./moments.ts";
import { selectPrimary } from "./position.ts";
import { Replica } from "./replica.ts";

export type { Moment } from "./moments.ts";

const POLL_MS = 150;
/** A replica that is further behind is not read. */
const BEHIND_MS = 2_000;
/** What takes longer on a replica is given up and done on the primary: what is kept, and histories, which may be long. */
const KEPT_MS = 800;
const HISTORY_MS = 2_000;
/** Longer nobody waits for a replica to replay; the primary is quicker then. */
const WAIT_MS = 60;
const STEP_MS = 3;

export type ReplicasOptions = {
  readonly urls: readonly string[];
  /** The primary. */
  readonly sql: Db;
  readonly application: string;
  /** Connections to each. */
  readonly max: number;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tracer?: Tracer | undefined;
};

export type ReplicaState = {
  readonly name: string;
  readonly state: "near" | "behind" | "away";
  /** Since when it lacks something, at most; of one that was not there yet, since when we look. */
  readonly behindMs: number;
};

/** A replica that may be read now. */
export type Near = {
  /** Everything that was committed before it is there. */
  readonly moment: Moment;
  /** @throws when it fails or takes too long, whatever `work` throws included. */
  read<T>(work: (sql: Db) => Promise<T>): Promise<T>;
};

/** What is read: kept afterwards, or not. */
type Kind = "kept" | "history";

export class Replicas {
  readonly #options: ReplicasOptions;
  readonly #replicas: readonly Replica[];
  readonly #moments = new Moments();
  /** By replica: when it last had everything, as far as is known. */
  readonly #reachedAtMs = new Map<Replica, number>();
  readonly #reads;
  readonly #beforeMoments: ((moment: Moment) => Promise<void>)[] = [];
  #system: string | null = null;
  #turns = 0;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: ReplicasOptions) {
    this.#options = options;
    const { application, max, log, tracer } = options;
    const more = { application, max, log, system: () => this.#system, ...(tracer ? { tracer } : {}) };
    this.#replicas = options.urls.map(url => new Replica({ url, ...more }));
    for (const one of this.#replicas) this.#reachedAtMs.set(one, performance.now());
    this.#reads = options.metrics.counter(
      "tradewind_replica_reads_total",
      "Reads that a replica may take. replica: it did; primary: none was near enough; overtaken: what it gave was too old; failed: it did not answer well",
      ["kind", "outcome"],
    );
    void this.#turn();
  }

  /** Done before the primary is asked, for each moment; who waits here holds up the moments. Must not throw. */
  beforeMoments(task: (moment: Moment) => Promise<void>): void {
    this.#beforeMoments.push(task);
  }

  states(): ReplicaState[] {
    const now = performance.now();
    return this.#replicas.map(one => {
      const behindMs = now - this.#reach(one);
      const state = one.isAway ? "away" : behindMs > BEHIND_MS ? "behind" : "near";
      return { name: one.name, state, behindMs };
    });
  }

  /** One after the other, of those that may be read; null: none. */
  nearest(): Near | null {
    const found = this.#nearest();
    if (!found) return null;
    const { replica, moment } = found;
    return { moment, read: work => replica.read(work, KEPT_MS) };
  }

  /** What became of a read of {@link nearest}. */
  count(kind: Kind, outcome: "replica" | "primary" | "overtaken" | "failed"): void {
    this.#reads.inc({ kind, outcome });
  }

  /** Reads what is at least as new as this call; `work` is done on the primary, once more if need be. */
  async read<T>(work: (sql: Db) => Promise<T>): Promise<T> {
    const { sql } = this.#options;
    const replica = await this.#caughtUp().catch(() => null);
    if (replica === null) {
      this.count("history", "primary");
      return work(sql);
    }
    try {
      const found = await replica.read(work, HISTORY_MS);
      this.count("history", "replica");
      return found;
    } catch {
      // Refusals too: they are few, and the primary's word counts.
      this.count("history", "failed");
      return work(sql);
    }
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const one of this.#replicas) one.stop();
  }

  async #caughtUp(): Promise<Replica | null> {
    const found = this.#nearest();
    if (!found) return null;
    const { position } = await selectPrimary(this.#options.sql);
    return (await found.replica.reaches(position, WAIT_MS, STEP_MS)) ? found.replica : null;
  }

  #nearest(): { replica: Replica; moment: Moment } | null {
    const now = performance.now();
    const { length } = this.#replicas;
    this.#turns++;
    for (let i = 0; i < length; i++) {
      const replica = this.#replicas[(this.#turns + i) % length]!;
      if (!replica.isWilling(now)) continue;
      const moment = this.#moments.reachedBy(replica.position);
      if (moment && now - moment.atMs <= BEHIND_MS) return { replica, moment };
    }
    return null;
  }

  #reach(replica: Replica): number {
    const reached = this.#moments.reachedBy(replica.position)?.atMs ?? 0;
    const atMs = Math.max(reached, this.#reachedAtMs.get(replica)!);
    this.#reachedAtMs.set(replica, atMs);
    return atMs;
  }

  async #turn(): Promise<void> {
    // What fails makes no moment, and replicas fall behind.
    await this.#read().catch(() => {});
    if (this.#stopped) return;
    for (const one of this.#replicas) this.#reach(one);
    this.#timer = setTimeout(() => void this.#turn(), POLL_MS);
    this.#timer.unref();
  }

  async #read(): Promise<void> {
    const moment = { atMs: performance.now(), position: 0 };
    for (const task of this.#beforeMoments) await task(moment);
    const { position, system } = await selectPrimary(this.#options.sql);
    this.#system = system;
    moment.position = position;
    this.#moments.add(moment);
  }
}
