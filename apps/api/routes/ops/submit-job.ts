/** A job from outside: its payload is held against the kind's schema before anything is written. */
import { Value } from "@sinclair/typebox/value";
import {
  announceReplaced,
  type Contract,
  contractOf,
  type EnqueueOutcome,
  enqueueAlone,
  enqueueUnique,
  type NewJob,
  payloadFault,
} from "../../../../bus/index.ts";
import { getStore, listStores } from "../../../../commerce/stores/index.ts";
import { type FieldError, invalid } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";

/** The store of jobs that belong to none. */
const NO_STORE = "-";
const MAX_ERRORS = 20;

/** How the job stands to others of its key, as callers say it. */
type Unique = {
  mode: "drop" | "replace" | "debounce";
  until?: "start" | "end" | undefined;
  key?: string | undefined;
  maxWaitMs?: number | undefined;
};

export type Submission = {
  kind: string;
  payload?: unknown;
  key?: string | undefined;
  delayMs?: number | undefined;
  runAt?: Date | undefined;
  unique?: Unique | undefined;
  storeId?: string | undefined;
  traceparent: string;
};

function payloadErrors(contract: Contract, payload: unknown): FieldError[] {
  if (payloadFault(contract, payload) === null) return [];
  const errors: FieldError[] = [];
  for (const { path, message } of Value.Errors(contract.schema, payload)) {
    errors.push({ path: `payload${path.replaceAll("/", ".").slice(0, 200)}`, message });
    if (errors.length === MAX_ERRORS) break;
  }
  return errors;
}

async function storeOf(deps: ApiDeps, { kind, storeId }: Submission): Promise<string> {
  if (storeId !== undefined && storeId !== NO_STORE) {
    if (await getStore(deps.sql, storeId)) return storeId;
    throw invalid([{ path: "storeId", message: "There is no such store." }]);
  }
  if (storeId === NO_STORE || kind.startsWith("drill.")) return NO_STORE;
  return (await listStores(deps.sql, { limit: 1 }))[0]?.id ?? NO_STORE;
}

/** A wait for quiet needs a time, and a job that was seen may not be debounced. @throws Problem 422 */
function uniquenessOf({ unique, delayMs, runAt }: Submission): NewJob["unique"] {
  if (!unique) return undefined;
  const { mode, until, maxWaitMs, key } = unique;
  if (mode !== "debounce") {
    if (maxWaitMs !== undefined)
      throw invalid([{ path: "unique.maxWaitMs", message: "is for mode debounce only" }]);
    return { mode, until, key };
  }
  if (until === "end") throw invalid([{ path: "unique.until", message: "is start for mode debounce" }]);
  if (!delayMs || runAt) throw invalid([{ path: "delayMs", message: "is the time of quiet to wait for" }]);
  return { mode, maxWaitMs, key };
}

/** The new job, or the one that stands for it. @throws Problem 422 for an unknown kind, a payload that breaks its schema, an unknown store. */
export async function submitJob(
  deps: ApiDeps,
  submission: Submission,
): Promise<{ id: string; outcome: EnqueueOutcome }> {
  const contract = contractOf(submission.kind);
  if (!contract) throw invalid([{ path: "kind", message: "There is no such kind of job." }]);
  const payload = submission.payload ?? {};
  const errors = payloadErrors(contract, payload);
  if (errors.length > 0) throw invalid(errors, "The payload breaks the schema of its kind.");
  const { key, delayMs, runAt, traceparent } = submission;
  const storeId = await storeOf(deps, submission);
  const unique = uniquenessOf(submission) ?? contract.unique;
  const job = { contract, payload, key, delayMs, runAt, storeId, traceparent, unique };
  const made = unique
    ? await enqueueUnique(deps.sql, job)
    : { id: await enqueueAlone(deps.sql, job), outcome: "enqueued" as const, was: null };
  announceReplaced(deps.bus.connection, made);
  deps.bus.poke();
  return { id: made.id, outcome: made.outcome };
}
