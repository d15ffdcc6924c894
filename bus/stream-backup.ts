/**
 * A stream as a file, and back: JetStream's own snapshots, with messages, sequences and consumers, over an ordinary connection.
 *
 * Backup:  SNAPSHOT → { config, state }, then chunks to an inbox, each to be answered, an empty one at the end.
 * Restore: RESTORE { config, state } → where to send chunks; each is answered, an empty one at the end makes the stream.
 *
 * A backup is written beside its name and renamed when complete. A restore that is cut off leaves no stream, and is begun anew.
 * (JetStream's chunks are a compressed archive, which is kept as it comes. Protocol: NATS ADR-1, `io.nats.jetstream.api.v1.stream_snapshot`.)
 */
import { open, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInbox, type Msg, type NatsConnection, type StreamConfig } from "nats";
import { buckets, DEAD_STREAM, FLASH_STREAM } from "./topology.ts";

/**
 * What Postgres does not know. Queues of jobs are not among them: what was on its way is in the ledger (resend.ts), and an older
 * queue would do again what is done.
 */
export const keptStreams: readonly string[] = [
  FLASH_STREAM,
  DEAD_STREAM,
  `KV_${buckets.kinds}`,
  `KV_${buckets.pools}`,
];

/** Well under the largest message that servers take. */
const CHUNK_BYTES = 128 * 1_024;
const ANSWER_MS = 10_000;

export type SavedStream = { readonly name: string; readonly messages: number; readonly bytes: number };

export class StreamBackupError extends Error {
  override name = "StreamBackupError";
}

type Described = { config: StreamConfig; state: { messages: number } };
type Answer = Partial<Described> & {
  error?: { code: number; description: string };
  deliver_subject?: string;
};

const head = (dir: string, name: string) => join(dir, `${name}.json`);
const body = (dir: string, name: string) => join(dir, `${name}.tar.s2`);

/** Null when the server has no such stream. @throws StreamBackupError */
export async function saveStream(nc: NatsConnection, name: string, dir: string): Promise<SavedStream | null> {
  const inbox = createInbox();
  const chunks = nc.subscribe(inbox);
  try {
    const request = { deliver_subject: inbox, chunk_size: CHUNK_BYTES, no_consumers: false };
    const answer = await ask(nc, `$JS.API.STREAM.SNAPSHOT.${name}`, request);
    if (answer.error?.code === 404) return null;
    if (answer.error) throw new StreamBackupError(`${name}: ${answer.error.description}`);
    const { config, state } = answer as Described;
    const bytes = await write(`${body(dir, name)}.new`, name, within(chunks));
    await rename(`${body(dir, name)}.new`, body(dir, name));
    await writeFile(head(dir, name), JSON.stringify({ config, state }, null, 2));
    return { name, messages: state.messages, bytes };
  } finally {
    chunks.unsubscribe();
  }
}

async function write(path: string, name: string, chunks: AsyncIterable<Msg>): Promise<number> {
  const file = await open(path, "w", 0o600);
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      if (chunk.data.length === 0) {
        if ((chunk.headers?.code ?? 0) >= 400)
          throw new StreamBackupError(`${name}: ${chunk.headers!.description}`);
        await file.sync();
        return bytes;
      }
      await file.write(chunk.data);
      bytes += chunk.data.length;
      chunk.respond();
    }
    throw new StreamBackupError(`${name}: the server stopped in the middle`);
  } finally {
    await file.close();
  }
}

/** Ends when nothing comes for {@link ANSWER_MS}. */
async function* within(messages: AsyncIterable<Msg>): AsyncGenerator<Msg> {
  const iterator = messages[Symbol.asyncIterator]();
  for (;;) {
    const next = await Promise.race([iterator.next(), Bun.sleep(ANSWER_MS)]);
    if (!next || next.done) return;
    yield next.value;
  }
}

/**
 * Takes the place of the stream of that name: nothing of ours may run meanwhile, it would make the stream or go on with a
 * consumer that is gone. Null when the folder has no such backup. @throws StreamBackupError
 */
export async function restoreStream(
  nc: NatsConnection,
  name: string,
  dir: string,
): Promise<SavedStream | null> {
  const described = await readFile(head(dir, name), "utf8").then(
    text => JSON.parse(text) as Described,
    () => null,
  );
  if (!described) return null;
  const archive = Bun.file(body(dir, name));
  if (!(await archive.exists())) throw new StreamBackupError(`${body(dir, name)} is missing`);
  const gone = await ask(nc, `$JS.API.STREAM.DELETE.${name}`, {});
  if (gone.error && gone.error.code !== 404)
    throw new StreamBackupError(`${name}: ${gone.error.description}`);
  const answer = await ask(nc, `$JS.API.STREAM.RESTORE.${name}`, described);
  if (answer.error || !answer.deliver_subject)
    throw new StreamBackupError(`${name}: ${answer.error?.description ?? "the server tells no way"}`);
  for (let at = 0; at < archive.size; at += CHUNK_BYTES) {
    const chunk = await archive.slice(at, at + CHUNK_BYTES).bytes();
    const taken = await nc.request(answer.deliver_subject, chunk, { timeout: ANSWER_MS });
    if (taken.data.length > 0) refuse(name, taken);
  }
  const made = await nc.request(answer.deliver_subject, new Uint8Array(), { timeout: ANSWER_MS });
  return { name, messages: refuse(name, made).state!.messages, bytes: archive.size };
}

function refuse(name: string, msg: Msg): Answer {
  const answer = msg.json<Answer>();
  if (answer.error) throw new StreamBackupError(`${name}: ${answer.error.description}`);
  return answer;
}

async function ask(nc: NatsConnection, subject: string, request: unknown): Promise<Answer> {
  return (await nc.request(subject, JSON.stringify(request), { timeout: ANSWER_MS })).json<Answer>();
}
