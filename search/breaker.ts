/**
 * A circuit breaker: closed (calls go through) until `failures` in a row, then open (they don't). When open, one call in
 * `probeMs` is let through as a probe; the first success closes it.
 *
 * State is this process's own: nodes find out by themselves, within `failures` slow answers, and a restart forgets.
 */
import type { Clock } from "../platform/clock.ts";

export type BreakerOptions = { readonly failures: number; readonly probeMs: number; readonly clock: Clock };

export type Admission = "call" | "probe" | "refuse";

export class Breaker {
  readonly #options: BreakerOptions;
  #failuresInARow = 0;
  #nextProbeMs = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#failuresInARow >= this.#options.failures;
  }

  /** Whether the next call may be made. A "probe" is for the caller to make without anyone waiting for it. */
  admit(): Admission {
    if (!this.isOpen) return "call";
    const nowMs = this.#options.clock.now().getTime();
    if (nowMs < this.#nextProbeMs) return "refuse";
    this.#nextProbeMs = nowMs + this.#options.probeMs;
    return "probe";
  }

  succeeded(): void {
    this.#failuresInARow = 0;
  }

  failed(): void {
    this.#failuresInARow++;
    // Calls that were under way when it opened fail later and put the probe off; that is no harm.
    if (this.isOpen) this.#nextProbeMs = this.#options.clock.now().getTime() + this.#options.probeMs;
  }
}
