/** The answers to a delivered message, on plain NATS. */
import type { Msg, NatsConnection } from "nats";

const NANOS_PER_MS = 1_000_000;

export const acks = {
  ack(nc: NatsConnection, msg: Msg): void {
    nc.publish(msg.reply!, "+ACK");
  },
  /** Waits for the server's word that it took the ack; for where doubt costs. */
  async ackSure(nc: NatsConnection, msg: Msg): Promise<void> {
    await nc.request(msg.reply!, "+ACK", { timeout: 2_000 });
  },
  nak(nc: NatsConnection, msg: Msg, delayMs = 0): void {
    nc.publish(msg.reply!, delayMs > 0 ? `-NAK {"delay": ${Math.round(delayMs * NANOS_PER_MS)}}` : "-NAK");
  },
  /** The message is still being worked on: its ack wait starts anew. */
  working(nc: NatsConnection, msg: Msg): void {
    nc.publish(msg.reply!, "+WPI");
  },
};
