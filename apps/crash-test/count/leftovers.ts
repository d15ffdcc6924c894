/** What must not be there at rest: open work, reservations of nobody, files that no row knows, consumers of the dead. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { connect } from "nats";
import { splitUrl } from "../../../bus/index.ts";
import type { Stack } from "../stack.ts";
import type { Finding } from "./finding.ts";

const left = (what: string): Finding => ({ kind: "left", what });

/** What stands between now and rest, in words; empty at rest. */
export async function unrest(stack: Stack): Promise<string[]> {
  const [open] = await stack.sql<Record<string, number>[]>`
    SELECT (SELECT count(*) FROM bus.outbox)::int AS "rows in the outbox",
           (SELECT count(*) FROM bus.job WHERE finished_at IS NULL)::int AS "open jobs",
           (SELECT count(*) FROM orders.order WHERE status = 'pending')::int AS "pending orders",
           (SELECT count(*) FROM carts.cart WHERE status = 'checking_out')::int AS "carts in checkout",
           (SELECT count(*) FROM inventory.reservation WHERE status = 'held')::int AS "held reservations",
           (SELECT count(*) FROM payments.intent WHERE status IN ('created', 'capturing', 'voiding'))::int AS "open payments",
           (SELECT count(*) FROM orders.action WHERE status = 'requested')::int AS "open actions",
           (SELECT count(*) FROM imports.import WHERE status IN ('queued', 'running'))::int AS "open imports",
           (SELECT count(*) FROM media.asset WHERE status = 'processing' OR (status = 'ready' AND NOT complete))::int AS "open pictures"`;
  const rows = Object.entries(open!).filter(([, count]) => count > 0);
  const streams = await messagesIn(stack);
  return [...rows, ...streams].map(([what, count]) => `${count} ${what}`);
}

async function withNats<T>(
  stack: Stack,
  use: (nats: Awaited<ReturnType<typeof connect>>) => Promise<T>,
): Promise<T> {
  const nats = await connect({ ...splitUrl(stack.now().natsUrl), timeout: 2_000, reconnect: false });
  try {
    return await use(nats);
  } finally {
    await nats.close();
  }
}

/**
 * What consumers have not handed out, or not got an answer for. (The streams are not asked: a nats-server 2.9 that was killed
 * may show messages again that were acknowledged; its consumers know better, and nobody gets them a second time.)
 */
function messagesIn(stack: Stack): Promise<[string, number][]> {
  return withNats(stack, async nats => {
    const manager = await nats.jetstreamManager();
    const counts: [string, number][] = [];
    for (const stream of ["HIGH", "NORMAL", "LOW", "FLASH"]) {
      const { state } = await manager.streams.info(stream);
      const held = `${stream} has ${state.messages} from ${state.first_seq} to ${state.last_seq}`;
      for await (const { name, num_pending, num_ack_pending, ack_floor, delivered } of manager.consumers.list(
        stream,
      )) {
        const stand = `${num_ack_pending} out, acknowledged up to ${ack_floor.stream_seq}, delivered up to ${delivered.stream_seq}`;
        const open = num_pending + num_ack_pending;
        if (open > 0) counts.push([`messages for ${name} (${stand}; ${held})`, open]);
      }
    }
    return counts;
  });
}

/** Names of all durable consumers. */
export function durables(stack: Stack): Promise<string[]> {
  return withNats(stack, async nats => {
    const manager = await nats.jetstreamManager();
    const names: string[] = [];
    for await (const stream of manager.streams.names())
      for await (const consumer of manager.consumers.list(stream))
        if (consumer.config.durable_name) names.push(`${stream}/${consumer.name}`);
    return names.sort();
  });
}

export async function judgeConsumers(stack: Stack, before: readonly string[]): Promise<Finding[]> {
  const now = await durables(stack);
  return [
    ...now.filter(name => !before.includes(name)).map(name => left(`consumer ${name}, which nobody knows`)),
    ...before.filter(name => !now.includes(name)).map(name => left(`consumer ${name} is gone`)),
  ];
}

/** A file of the media folder must be named by a row, or be on the collector's list. */
export async function judgeFiles(stack: Stack): Promise<Finding[]> {
  const root = join(stack.home, "media");
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter(key => !key.startsWith("."));
  const unknown = await stack.sql<{ key: string }[]>`
    SELECT key FROM unnest(${files}::text[]) key
    WHERE NOT EXISTS (SELECT FROM media.variant v WHERE v.storage_key = key)
      AND NOT EXISTS (SELECT FROM media.file f WHERE f.storage_key = key)
      AND NOT EXISTS (SELECT FROM media.asset a WHERE key LIKE 'original/%' AND a.sha256 = substring(key FROM '[^/]+$'))
      AND NOT EXISTS (SELECT FROM imports.import i WHERE i.storage_key = key)`;
  return unknown.map(({ key }) => left(`file ${key}, which no row knows`));
}

/** After the stop: processes of this stack, by their environment, arguments or folder (Linux only). */
export function judgeProcesses(home: string): Finding[] {
  if (process.platform !== "linux") return [];
  const read = (file: string) => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return "";
    }
  };
  const cwdOf = (pid: string) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`);
    } catch {
      return "";
    }
  };
  return readdirSync("/proc")
    .filter(pid => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .flatMap(pid => {
      const [command, environment] = [read(`/proc/${pid}/cmdline`), read(`/proc/${pid}/environ`)];
      const isOurs = environment.includes(home) || command.includes(home) || cwdOf(pid).startsWith(home);
      return isOurs ? [left(`process ${pid}: ${command.replaceAll("\0", " ").slice(0, 120)}`)] : [];
    });
}
