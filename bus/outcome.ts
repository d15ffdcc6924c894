/**
 * What a handler says of its job. Handlers return; they never ack, and never catch what they can't handle: a thrown
 * error is a failed try with the kind's back-off.
 */
export type Outcome =
  | { readonly type: "done" }
  /** Try again after `afterMs` (default: the kind's back-off); counts as a try. */
  | { readonly type: "retry"; readonly afterMs?: number; readonly error?: string }
  /** Not yet: the job waits (some seconds unless `afterMs` says otherwise) and this counts as no try. */
  | { readonly type: "snooze"; readonly afterMs?: number }
  /**
   * What the kind `needs` does not answer. When it is asked and is away indeed, this counts as no try and the kind waits;
   * otherwise it is a `retry`.
   */
  | { readonly type: "away"; readonly error: string; readonly afterMs?: number }
  /** The job has become pointless; it ends without effect and is no failure. */
  | { readonly type: "discard"; readonly reason: string }
  /** No further try can help: straight to the dead letters. */
  | { readonly type: "fail"; readonly error: string };

const DONE: Outcome = { type: "done" };

export const done = (): Outcome => DONE;
export const retry = (options: { afterMs?: number; error?: string } = {}): Outcome => ({
  type: "retry",
  ...options,
});
export const snooze = (options: { afterMs?: number } = {}): Outcome => ({ type: "snooze", ...options });
export const away = (options: { error: string; afterMs?: number }): Outcome => ({ type: "away", ...options });
export const discard = (options: { reason: string }): Outcome => ({ type: "discard", ...options });
export const fail = (options: { error: string }): Outcome => ({ type: "fail", ...options });
