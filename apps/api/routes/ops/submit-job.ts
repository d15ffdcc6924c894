/** A job from outside: its payload is held against the kind's schema before anything is written. */
import { Value } from "@sinclair/typebox/value";
import { type Contract, contractOf, enqueue } from "../../../../bus/index.ts";
import { getStore, listStores } from "../../../../commerce/stores/index.ts";
import { type FieldError, invalid } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";

/** The store of jobs that belong to none. */
const NO_STORE = "-";
const MAX_ERRORS = 20;

export type Submission = {
  kind: string;
  payload?: unknown;
  key?: string | undefined;
  delayMs?: number | undefined;
  runAt?: Date | undefined;
  storeId?: string | undefined;
  traceparent: string;
};

function payloadErrors(contract: Contract, payload: unknown): FieldError[] {
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

/** The id of the new job. @throws Problem 422 for an unknown kind, a payload that breaks its schema, an unknown store. */
export async function submitJob(deps: ApiDeps, submission: Submission): Promise<string> {
  const contract = contractOf(submission.kind);
  if (!contract) throw invalid([{ path: "kind", message: "There is no such kind of job." }]);
  const payload = submission.payload ?? {};
  const errors = payloadErrors(contract, payload);
  if (errors.length > 0) throw invalid(errors, "The payload breaks the schema of its kind.");
  const { key, delayMs, runAt, traceparent } = submission;
  const storeId = await storeOf(deps, submission);
  const id = await enqueue(deps.sql, { contract, payload, key, delayMs, runAt, storeId, traceparent });
  deps.bus.poke();
  return id;
}
