import { acks, type Bus, HEARTBEAT_MS, type Pulled, type Puller, type Received } from "../bus/index.ts";
import type { Deadline } from "./execute.ts";

/** A message from its arrival until it is settled or given back. */
export type Held = {
  readonly pulled: Pulled;
  readonly job: Received;
  readonly sinceMs: number;
  readonly puller: Puller;
  /** Set while it runs by itself: what aborts it. */
  deadline?: Deadline;
  /** Number of the row in `bus.job_try` under which it runs, if it was delivered before (bus/tries.ts). */
  run?: number;
};

export const wasDeliveredBefore = ({ pulled }: Held) => pulled.delivery > 1;

/** Messages younger than this need no heartbeat yet. */
const YOUNG_MS = HEARTBEAT_MS / 2;

/** The messages of one kind that this process holds. Heartbeats for all of them keep the server from giving them away. */
export class HeldMessages {
  readonly #bus: Bus;
  readonly #held = new Set<Held>();

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  get size(): number {
    return this.#held.size;
  }

  add(held: Held): Held {
    this.#held.add(held);
    return held;
  }

  beat(): void {
    const { nc } = this.#bus.connection;
    const youngest = Date.now() - YOUNG_MS;
    for (const held of this.#held) if (held.sinceMs <= youngest) acks.working(nc, held.pulled.msg);
  }

  find(jobId: string): Held | undefined {
    for (const held of this.#held) if (held.job.id === jobId) return held;
    return undefined;
  }

  ack(held: Held): void {
    acks.ack(this.#bus.connection.nc, held.pulled.msg);
    this.drop(held);
  }

  giveBack(held: Held, delayMs = 0): void {
    acks.nak(this.#bus.connection.nc, held.pulled.msg, delayMs);
    this.drop(held);
  }

  /** Its message was answered; dropping twice is dropping once. */
  drop(held: Held): void {
    if (this.#held.delete(held)) held.puller.release();
  }
}
