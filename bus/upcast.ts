/**
 * Payloads of several versions during a rolling deploy. A payload keeps the version that it was enqueued with; a worker
 * that knows a newer one lifts it, step by step, when it reads the message. A worker that knows only older ones can't
 * tell what the payload means: it puts the message back (postpone.ts) until a newer worker is there.
 */
import type { Contract } from "./contracts/contract.ts";

/** The payload is of a version that this process does not know yet; the message is not at fault. */
export class NewerVersion extends Error {
  override name = "NewerVersion";
  constructor(
    readonly kind: string,
    readonly version: number,
    readonly known: number,
  ) {
    super(`version ${version} of ${kind} is newer than ${known}, which this process knows`);
  }
}

/** No chain of upcasts leads from the payload's version to the contract's. */
export class TooOld extends Error {
  override name = "TooOld";
}

/**
 * The payload as the contract's version has it; not checked against the schema.
 * @throws NewerVersion, TooOld, and whatever an upcast throws of a payload that it can't read.
 */
export function upcast(contract: Contract, version: number, payload: unknown): unknown {
  if (version > contract.version) throw new NewerVersion(contract.kind, version, contract.version);
  let lifted = payload;
  for (let from = version; from < contract.version; from++) {
    const step = contract.upcasts?.[from];
    if (!step) throw new TooOld(`payload version ${version} is not ${contract.version}`);
    lifted = step(lifted as never);
  }
  return lifted;
}
