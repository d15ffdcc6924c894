/**
 * A NATS account for one test. The test server has many accounts, each with a JetStream of its own; a sequence in the
 * admin database deals them out in turn to all processes that test at the same time, and an account is emptied before use.
 */
import { connect as connectNats, type NatsConnection } from "nats";
import { connect } from "../postgres/index.ts";
import { type TestStack, testServers } from "./stack.ts";

export type FreshNats = { readonly url: string; release(): Promise<void> };

export async function freshNats(): Promise<FreshNats> {
  const stack = await testServers();
  const user = `t${await nextAccount(stack)}`;
  const url = `nats://${user}:${stack.nats.secret}@127.0.0.1:${stack.nats.port}`;
  const empty = () => emptyAccount(stack, user);
  await empty();
  return { url, release: empty };
}

async function nextAccount(stack: TestStack): Promise<number> {
  const admin = connect(stack.adminUrl, { max: 1, application: "test-admin" });
  try {
    const [row] = await admin`SELECT nextval('public.test_nats_account')::int AS n`;
    return row!.n;
  } finally {
    await admin.end({ timeout: 1 });
  }
}

async function emptyAccount(stack: TestStack, user: string): Promise<void> {
  const connection = await connectNats({
    servers: `127.0.0.1:${stack.nats.port}`,
    user,
    pass: stack.nats.secret,
  });
  try {
    await deleteStreams(connection);
  } finally {
    await connection.close();
  }
}

/** Key-value buckets are streams too. */
async function deleteStreams(connection: NatsConnection): Promise<void> {
  const manager = await connection.jetstreamManager();
  const names: string[] = [];
  for await (const name of manager.streams.names()) names.push(name);
  await Promise.all(names.map(name => manager.streams.delete(name)));
}
