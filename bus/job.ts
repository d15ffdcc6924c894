import type { Contract, Payload, Priority } from "./contracts/contract.ts";

/** A job as its handler sees it. */
export type Job<P = unknown> = {
  /** UUIDv7; the same for all tries. */
  readonly id: string;
  readonly kind: string;
  /** The version that its payload was enqueued with; what the handler sees is of its contract's. */
  readonly version: number;
  readonly priority: Priority;
  readonly storeId: string;
  readonly key: string;
  /** 1 for the first try. */
  readonly attempt: number;
  readonly traceparent: string;
  readonly payload: P;
};

export type JobOf<C extends Contract> = Job<Payload<C>>;
