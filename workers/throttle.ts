/**
 * The rate limit of one kind as a runner sees it: it asks for starts when jobs are ready and passes them on as they are
 * granted. Jobs wait in the process meanwhile, kept alive by heartbeats; they burn no tries, and as everybody waits for
 * the same starts, the places of the cap that they hold are nobody's loss.
 */
import { type Rate, takeStarts } from "../bus/index.ts";
import type { Log } from "../platform/log.ts";
import type { Db } from "../platform/postgres/index.ts";

const AFTER_ERROR_MS = 500;

export class Throttle {
  readonly #deps: { sql: Db; log: Log };
  readonly #kind: string;
  readonly #onGranted: () => void;
  #rate: Rate | null = null;
  #granted = 0;
  #asking = false;
  #timer: Timer | undefined;

  /** `onGranted` is called when it is worth asking again. */
  constructor(deps: { sql: Db; log: Log }, kind: string, onGranted: () => void) {
    this.#deps = deps;
    this.#kind = kind;
    this.#onGranted = onGranted;
  }

  get isLimited(): boolean {
    return this.#rate !== null;
  }

  set(rate: Rate | null): void {
    this.#rate = rate;
    this.clear();
    this.#onGranted();
  }

  /** Forgets what was granted and not used. */
  clear(): void {
    this.#granted = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Of `wanted` jobs, how many may start now. `ahead`: how many could start if there were no limit. */
  take(wanted: number, ahead = wanted): number {
    if (!this.#rate) return wanted;
    const places = Math.min(wanted, this.#granted);
    this.#granted -= places;
    if (places === 0 && !this.#asking && !this.#timer) void this.#ask(this.#rate, ahead);
    return places;
  }

  /** A start that was taken and not used after all. */
  giveBack(places: number): void {
    if (this.#rate) this.#granted += places;
  }

  async #ask(rate: Rate, wanted: number): Promise<void> {
    this.#asking = true;
    const answer = await takeStarts(this.#deps.sql, this.#kind, rate, wanted).catch(error => {
      this.#deps.log.warn({ err: error, kind: this.#kind }, "no answer about the rate limit");
      return { granted: 0, waitMs: AFTER_ERROR_MS };
    });
    this.#asking = false;
    if (answer.granted > 0) {
      this.#granted += answer.granted;
      this.#onGranted();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#onGranted();
    }, Math.ceil(answer.waitMs));
  }
}
