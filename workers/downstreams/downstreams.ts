/**
 * What handlers need besides Postgres and NATS (`needs` of a contract), and what becomes of jobs while it is away.
 *
 *   a try ends in an error, or the handler says `away` → is the kind's downstream asked and works?
 *       │ works: the fault is the job's own. The try counts, so that one poisoned job ends as a dead letter and pauses nobody
 *       └ does not: it is away for this process. The job is put back under the same try, every kind that needs it stops
 *         taking jobs, and the downstream is probed, less and less often, until it works; then they go on
 *
 * Postgres is needed by every kind: a try that ends in an error while Postgres is away counts as none either. No kind stops
 * for that: nothing starts a second time while its row can't be written.
 *
 * Each process finds out by itself, with its own way to the downstream: what one can't reach, another may, and nothing
 * is left behind by a process that dies. A process that starts meanwhile finds out with its first job, which costs that job
 * no try. Heartbeats tell of it (`away`), so operators see it with reason and since when.
 */
import type { Away, Contract, Downstream, Ending, Outcome, Settled } from "../../bus/index.ts";
import type { Log } from "../../platform/log.ts";
import type { Probed, Probes } from "./probes.ts";

const PROBE_MS = 4_000;
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 10_000;
/** How long one answer serves the other jobs that failed at the same moment. */
const TRUST_MS = 250;

/** Ends that may be the downstream's fault. A handler that catches what a service threw says `retry` with its error. */
function isDoubtful(ending: Ending): boolean {
  return (
    ending.type === "error" ||
    ending.type === "away" ||
    (ending.type === "retry" && ending.error !== undefined)
  );
}

export type Judged = Settled | Extract<Outcome, { type: "snooze" }>;

/** The endings when nobody is away, or has the time to ask. */
export function asSaid(ending: Ending): Judged {
  return ending.type === "away" ? { ...ending, type: "retry" } : ending;
}

type Deps = { probes: Probes; log: Log; onChange(name: Downstream): void };

export class Downstreams {
  readonly #deps: Deps;
  readonly #away = new Map<Downstream, Away>();
  readonly #asking = new Map<Probed, Promise<string | null>>();
  readonly #workedAtMs = new Map<Probed, number>();
  readonly #timers = new Map<Downstream, Timer>();
  #closed = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  isAway(name: Downstream | undefined): boolean {
    return name !== undefined && this.#away.has(name);
  }

  get away(): Partial<Record<Downstream, Away>> {
    return Object.fromEntries(this.#away);
  }

  /** The endings as they are to be settled: `snooze` for those that count as no try. */
  judge(contract: Contract, endings: Ending[]): Judged[] | Promise<Judged[]> {
    return endings.some(isDoubtful) ? this.#judge(contract, endings) : (endings as Judged[]);
  }

  async #judge({ needs }: Contract, endings: Ending[]): Promise<Judged[]> {
    const isAway = (needs !== undefined && (await this.#confirm(needs))) || (await this.#isDatabaseAway());
    return endings.map(ending => (isAway && isDoubtful(ending) ? { type: "snooze" } : asSaid(ending)));
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  async #isDatabaseAway(): Promise<boolean> {
    return !this.#workedJustNow("postgres") && (await this.#ask("postgres")) !== null;
  }

  #workedJustNow(name: Probed): boolean {
    return performance.now() - (this.#workedAtMs.get(name) ?? Number.NEGATIVE_INFINITY) < TRUST_MS;
  }

  async #confirm(name: Downstream): Promise<boolean> {
    if (this.#away.has(name)) return true;
    if (this.#workedJustNow(name)) return false;
    const fault = await this.#ask(name);
    if (fault === null) return false;
    // Who leaves tells nobody and probes no more, but the job's try is as little at fault.
    if (!this.#closed && !this.#away.has(name)) this.#begin(name, fault);
    return true;
  }

  #begin(name: Downstream, reason: string): void {
    this.#away.set(name, { since: new Date().toISOString(), reason });
    this.#deps.log.warn({ downstream: name, reason }, "downstream is away; the kinds that need it wait");
    this.#deps.onChange(name);
    this.#plan(name, FIRST_PAUSE_MS);
  }

  /** Half of each pause is random, so that many processes don't ask at once. */
  #plan(name: Downstream, pauseMs: number): void {
    const timer = setTimeout(() => void this.#again(name, pauseMs), pauseMs * (0.5 + Math.random() / 2));
    this.#timers.set(name, timer);
  }

  async #again(name: Downstream, pauseMs: number): Promise<void> {
    const fault = await this.#ask(name);
    if (this.#closed) return;
    if (fault === null) {
      this.#away.delete(name);
      this.#deps.log.info({ downstream: name }, "downstream is back");
      this.#deps.onChange(name);
      return;
    }
    this.#away.set(name, { ...this.#away.get(name)!, reason: fault });
    this.#plan(name, Math.min(pauseMs * 2, MAX_PAUSE_MS));
  }

  /** What is wrong with it; null: it works, or nobody knows how to ask. All who ask at once share one probe. */
  #ask(name: Probed): Promise<string | null> {
    const asking = this.#asking.get(name) ?? this.#probe(name).finally(() => this.#asking.delete(name));
    this.#asking.set(name, asking);
    return asking;
  }

  async #probe(name: Probed): Promise<string | null> {
    const probe = this.#deps.probes[name];
    if (!probe) return null;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`no answer within ${PROBE_MS} ms`)), PROBE_MS);
    try {
      await Promise.race([probe(AbortSignal.timeout(PROBE_MS)), late.promise]);
      this.#workedAtMs.set(name, performance.now());
      return null;
    } catch (error) {
      return (error as Error).message || String(error);
    } finally {
      clearTimeout(timer);
    }
  }
}
