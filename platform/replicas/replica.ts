/**
 * One replica: its connections, how far it is, and whether it is there. It is asked every {@link LOOK_MS}, on a connection of its
 * own; who does not answer twice {@link PATIENCE_MS} is away, and asked again until it is back. Reads that were under way then fail
 * at once, and its connections are replaced: one that a network has swallowed would be silent for a quarter of an hour.
 *
 * A server that crashed comes back *further behind* than it was, within a tenth of a second if it likes. Then the connection of
 * our looks is closed too, which makes the replica one of which nothing is known, and what was being read there fails.
 */
import { Problem } from "../errors.ts";
import type { Log } from "../log.ts";
import { connect, type Db } from "../postgres/index.ts";
import type { Tracer } from "../tracing/index.ts";
import { selectStandby } from "./position.ts";

const LOOK_MS = 100;
const LOOK_AWAY_MS = 400;
/** Twice, so that a process that was held up itself finds the answer that has come meanwhile. */
const PATIENCE_MS = 500;
/** The server ends statements that take longer by itself; nobody waits for them any more. */
const STATEMENT_MS = 2_000;
/** So long nobody asks one that failed in a read, or took too long. */
const REST_MS = 1_000;
/** So many reads in a row that took too long: their connections may be dead, though that of our looks is not. */
const LATE = 3;
/** Chosen by the server, to go on replaying: the next read may do well. */
const CANCELLED = "40001";

class ReplicaFailed extends Error {
  override name = "ReplicaFailed";
}

class ReplicaLate extends ReplicaFailed {
  override name = "ReplicaLate";
}

export type ReplicaOptions = {
  readonly url: string;
  readonly application: string;
  readonly max: number;
  readonly log: Log;
  readonly tracer?: Tracer;
  /** The identifier that its primary has; null while that is not known. */
  readonly system: () => string | null;
};

export class Replica {
  readonly name: string;
  readonly #options: ReplicaOptions;
  #reads: Db;
  #looks: Db;
  #looking: Promise<void> | undefined;
  #timer: Timer | undefined;
  /** Why it can't be used; null: it can. */
  #away: string | null = "it was not asked yet";
  #restUntil = 0;
  #late = 0;
  #stopped = false;
  readonly #underWay = new Set<{ reject(error: unknown): void }>();
  /** What it has replayed. */
  position = Number.NEGATIVE_INFINITY;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.name = new URL(options.url).host;
    this.#reads = this.#connect(options.max);
    this.#looks = this.#connectToLook();
    void this.#turn();
  }

  get isAway(): boolean {
    return this.#away !== null;
  }

  /** It is there, and did not just fail. */
  isWilling(now: number): boolean {
    return this.#away === null && now >= this.#restUntil;
  }

  /** @throws whatever went wrong: the replica, its answer, or `work` itself; at the latest when the time is over. */
  async read<T>(work: (sql: Db) => Promise<T>, withinMs: number): Promise<T> {
    const over = Promise.withResolvers<never>();
    const timer = setTimeout(() => over.reject(new ReplicaLate("it took too long")), withinMs);
    this.#underWay.add(over);
    try {
      const found = await Promise.race([work(this.#reads), over.promise]);
      this.#late = 0;
      return found;
    } catch (error) {
      this.#failed(error);
      throw error;
    } finally {
      clearTimeout(timer);
      this.#underWay.delete(over);
    }
  }

  /** Whether it has replayed that much within the time. */
  async reaches(position: number, withinMs: number, stepMs: number): Promise<boolean> {
    const until = performance.now() + withinMs;
    while (this.position < position) {
      // One that hangs is found out by somebody with more time.
      await Promise.race([this.#look(), Bun.sleep(withinMs)]);
      if (this.position >= position) break;
      if (this.isAway || performance.now() > until) return false;
      await Bun.sleep(stepMs);
    }
    return !this.isAway;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#discard(this.#reads, this.#looks);
  }

  async #turn(): Promise<void> {
    await this.#look();
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#turn(), this.isAway ? LOOK_AWAY_MS : LOOK_MS);
    this.#timer.unref();
  }

  /** Who comes while it is asked takes that answer: it is never further behind than it says. */
  #look(): Promise<void> {
    const looks = this.#looks;
    this.#looking ??= this.#ask(looks)
      .catch(error => {
        if (looks === this.#looks) this.#lose(error.message);
      })
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #ask(looks: Db): Promise<void> {
    const { isStandby, position, system } = await patiently(selectStandby(looks));
    // It was lost meanwhile: that is what it was before.
    if (looks !== this.#looks) return;
    const wanted = this.#options.system();
    // The primary has not answered yet.
    if (wanted === null) return;
    if (!isStandby || position === null) throw new ReplicaFailed("it is no replica");
    if (system !== wanted) throw new ReplicaFailed("it is a copy of another server");
    this.position = position;
    if (this.#away === null) return;
    this.#away = null;
    this.#restUntil = 0;
    this.#late = 0;
    this.#options.log.info({ replica: this.name }, "a read replica is there");
  }

  #failed(error: unknown): void {
    if (error instanceof Problem) return;
    const { name, code } = error as { name?: string; code?: string };
    if (code === CANCELLED) return;
    this.#restUntil = performance.now() + REST_MS;
    if (error instanceof ReplicaLate && ++this.#late >= LATE && !this.isAway) this.#lose("its reads hang");
    // Not what the server said, but that it says nothing: the others need not wait for the next look.
    if (name !== "PostgresError" && !(error instanceof ReplicaFailed)) void this.#look();
  }

  #lose(why: string): void {
    if (this.#stopped) return;
    if (this.#away !== why)
      this.#options.log.warn({ replica: this.name, why }, "a read replica can't be used");
    const before = [this.#looks, ...(this.#away === null ? [this.#reads] : [])];
    if (this.#away === null) this.#reads = this.#connect(this.#options.max);
    this.#looks = this.#connectToLook();
    this.#away = why;
    // One that was made anew from an older state must not count as what it was.
    this.position = Number.NEGATIVE_INFINITY;
    for (const over of this.#underWay) over.reject(new ReplicaFailed("it is away"));
    this.#discard(...before);
  }

  #connect(max: number): Db {
    const { url, application, tracer } = this.#options;
    return connect(url, { max, application, statementMs: STATEMENT_MS, ...(tracer ? { tracer } : {}) });
  }

  #connectToLook(): Db {
    const { url, application } = this.#options;
    const onClose = () => {
      if (this.#looks === looks && this.#away === null) this.#lose("its connection was closed");
    };
    const looks = connect(url, { max: 1, application: `${application} looks`, onClose });
    return looks;
  }

  #discard(...connections: Db[]): void {
    for (const one of connections) void one.end({ timeout: 0 }).catch(() => {});
  }
}

async function patiently<T>(answer: Promise<T>): Promise<T> {
  const over = Promise.withResolvers<never>();
  let timer = setTimeout(() => {
    timer = setTimeout(() => over.reject(new ReplicaFailed("it does not answer")), PATIENCE_MS);
  }, PATIENCE_MS);
  return Promise.race([answer, over.promise]).finally(() => clearTimeout(timer));
}
