/** The answers to a delivered message, on plain NATS. */
import type { NatsConnection } from "nats";

/** What the client writes commands with; it is not of its published interface. */
type Writer = { sendCommand?(text: string): void };

type Delivered = { readonly reply?: string | undefined };

const NANOS_PER_MS = 1_000_000;

export const acks = {
  ack(nc: NatsConnection, msg: Delivered): void {
    nc.publish(msg.reply!, "+ACK");
  },
  /** A message that this process was not handed. Changes nothing when nobody has it. */
  ackStored(
    nc: NatsConnection,
    { stream, durable, seq }: { stream: string; durable: string; seq: number },
  ): void {
    nc.publish(`$JS.ACK.${stream}.${durable}.1.${seq}.0.0.0`, "+ACK");
  },
  /** Acknowledges many in one write: a group of them published one by one cost as much as what is written of its jobs. */
  ackAll(nc: NatsConnection, messages: readonly Delivered[]): void {
    const writer = (nc as unknown as { protocol?: Writer }).protocol;
    if (messages.length < 2 || nc.isClosed() || !writer?.sendCommand) {
      for (const msg of messages) acks.ack(nc, msg);
      return;
    }
    let text = "";
    for (const { reply } of messages) text += `PUB ${reply} 4\r\n+ACK\r\n`;
    writer.sendCommand(text);
  },
  /** Waits for the server's word that it took the ack; for where doubt costs. */
  async ackSure(nc: NatsConnection, msg: Delivered): Promise<void> {
    await nc.request(msg.reply!, "+ACK", { timeout: 2_000 });
  },
  nak(nc: NatsConnection, msg: Delivered, delayMs = 0): void {
    nc.publish(msg.reply!, delayMs > 0 ? `-NAK {"delay": ${Math.round(delayMs * NANOS_PER_MS)}}` : "-NAK");
  },
  /** The message is still being worked on: its ack wait starts anew. */
  working(nc: NatsConnection, msg: Delivered): void {
    nc.publish(msg.reply!, "+WPI");
  },
};
