/**
 * The services that the processes need: those that are configured are used as they are; the others are embedded, each
 * a unit that is started again on the same port when it falls.
 *
 * Stop order: Redis front and mail catcher have gone before; then the servers, Postgres last.
 */
import { mkdirSync } from "node:fs";
import type { Config } from "../../platform/config.ts";
import type { Log } from "../../platform/log.ts";
import type { Home, Secrets, ServerName, StackFile } from "./home.ts";
import { childMark, type Leftovers } from "./leftovers.ts";
import { freePort, isFree } from "./ports.ts";
import type { Program } from "./programs.ts";
import { lacksRoom, type Room, spaceIn, watchRoom } from "./room.ts";
import {
  jetStreamFolder,
  natsIsWell,
  type RunningServer,
  type ServerContext,
  ServerError,
  type ServerRecord,
  startMeilisearch,
  startNats,
  startPostgres,
  startRedis,
} from "./servers/index.ts";
import { keepRunning, type Unit } from "./unit.ts";
import { watchAnswers } from "./watchdog.ts";

export type Addresses = Pick<
  StackFile,
  | "databaseUrl"
  | "natsUrl"
  | "redisUrl"
  | "redisToken"
  | "meiliUrl"
  | "meiliKey"
  | "smtpUrl"
  | "mailboxUrl"
  | "stackToken"
>;

export type Services = {
  readonly addresses: Addresses;
  /** Stands in the way of nothing, but people should know. */
  readonly notes: readonly string[];
  /** Our own programs among the services: Redis front, mail catcher. */
  readonly programs: readonly Program[];
  /** What stack.json tells about the embedded servers. */
  records(): Partial<Record<ServerName, ServerRecord>>;
  units(): Unit[];
  stop(): Promise<void>;
};

type Options = {
  config: Config;
  home: Home;
  log: Log;
  /** What an earlier supervisor left, and where its services were. */
  leftovers: Leftovers;
  before: StackFile | null;
  onChange: () => void;
};

type Embedded = { record: RunningServer; unit: Unit };
type Start = (context: ServerContext) => Promise<RunningServer | null>;
/** Without `room` a server writes until its disk is full. */
type Embedding = { name: ServerName; start: Start; room?: Room };

/** A stop waits longer than each server's own patience. */
const SERVER_PATIENCE_MS = 30_000;
const stopOrder: readonly ServerName[] = ["meilisearch", "redis", "nats", "postgres"];

/** @throws ServerError when one can't be started; those that were started are stopped again. */
export async function startServices(options: Options): Promise<Services> {
  const { config } = options;
  const secrets = options.home.secrets();
  const embedded = new Map<ServerName, Embedded>();
  const watches: (() => void)[] = [];
  const stop = async () => {
    for (const stopWatching of watches) stopWatching();
    for (const name of stopOrder) await embedded.get(name)?.unit.stop(SERVER_PATIENCE_MS);
  };
  const embed = async (name: ServerName, start: Start, room?: Room) => {
    const started = await startEmbedded(options, { name, start, ...(room && { room }) });
    if (started) embedded.set(name, started);
  };
  const starts = [
    async () => {
      if (!config.databaseUrl) await embed("postgres", context => startPostgres(context, secrets.postgres));
    },
    // One after the other: where apt installs them it can do only one at a time.
    async () => {
      const nats = { secret: secrets.nats, bin: config.natsServerBin };
      if (!config.natsUrl) {
        const room = roomForNats(options);
        watches.push(room.close);
        await embed("nats", context => startNats(context, nats), room);
      }
      const redis = { secret: secrets.redis, bin: config.redisServerBin };
      if (!config.redisUrl) await embed("redis", context => startRedis(context, redis));
    },
    async () => {
      const meili = { secret: secrets.meilisearch, bin: config.meiliBin };
      if (!config.meiliUrl) await embed("meilisearch", context => startMeilisearch(context, meili));
    },
  ];
  const results = await Promise.allSettled(starts.map(start => start()));
  const failed = results.find(result => result.status === "rejected");
  if (failed) {
    await stop();
    throw failed.reason;
  }
  const nats = embedded.get("nats");
  if (nats) watches.push(watchAnswers(nats.unit, () => natsIsWell(nats.record.url), options));
  const url = (name: ServerName) => embedded.get(name)?.record.url;
  const addresses = await addressesOf(options, secrets, url);
  return {
    addresses,
    notes: addresses.meiliUrl ? [] : ["no Meilisearch on this machine: search answers from Postgres"],
    programs: programsOf(config, url("redis")),
    records: () => Object.fromEntries([...embedded].map(([name, { record }]) => [name, plain(record)])),
    units: () => [...embedded.values()].map(({ unit }) => unit),
    stop,
  };
}

function plain({ pid, started, port, url }: RunningServer): ServerRecord {
  return { pid, started, port, url };
}

/** @throws ServerError where there is none now. */
function roomForNats({ home, log }: Options): Room {
  const folder = jetStreamFolder(home.path("nats"));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lack = lacksRoom(folder);
  if (lack) throw new ServerError(`nats is not started: ${lack}`);
  return watchRoom(() => spaceIn(folder), { log });
}

async function startEmbedded(
  { home, log, leftovers, before, onChange }: Options,
  { name, start, room }: Embedding,
): Promise<Embedded | null> {
  const context: ServerContext = {
    dataDir: home.path(name),
    logDir: home.logDir,
    binDir: home.path("packages"),
    throwAway: false,
    previous: leftovers.servers[name],
    firstPort: before?.servers[name]?.port,
    env: childMark(home.dir, name),
  };
  const first = await start(context);
  if (!first) return null;
  const embedded = { record: first } as Embedded;
  const again = async () => {
    await room?.there();
    const next = await start({ ...context, previous: undefined, port: first.port });
    if (!next) throw new Error(`${name} is gone from this machine`);
    embedded.record = next;
    return { process: next.process, stop: () => next.stop() };
  };
  const initial = { process: first.process, stop: () => first.stop() };
  embedded.unit = keepRunning({ name, start: again, log, onChange, first: initial });
  room?.keep(embedded.unit);
  return embedded;
}

/** Where it was before, so that who knows it there still finds it; else where nobody is. */
async function portLike(address: string | null | undefined, isHeld: boolean): Promise<number> {
  const port = Number(address ? new URL(address).port : 0);
  return port > 0 && (isHeld || (await isFree(port))) ? port : freePort();
}

async function addressesOf(
  { config, before, leftovers }: Options,
  secrets: Secrets,
  url: (name: ServerName) => string | undefined,
): Promise<Addresses> {
  const mail = secrets.stack;
  const embedMail = !config.smtpUrl;
  const [front, catcher] = [leftovers.has("redis-rest"), leftovers.has("mailcatcher")];
  const port = {
    redis: await portLike(before?.redisUrl, front),
    smtp: await portLike(before?.smtpUrl, catcher),
    mailbox: await portLike(before?.mailboxUrl, catcher),
  };
  return {
    databaseUrl: config.databaseUrl ?? url("postgres")!,
    natsUrl: config.natsUrl ?? url("nats")!,
    redisUrl: config.redisUrl ?? `http://127.0.0.1:${port.redis}`,
    redisToken: config.redisToken ?? secrets.redis,
    meiliUrl: config.meiliUrl ?? url("meilisearch") ?? null,
    meiliKey: config.meiliKey ?? (url("meilisearch") ? secrets.meilisearch : null),
    smtpUrl: config.smtpUrl ?? `smtp://tradewind:${mail}@127.0.0.1:${port.smtp}`,
    mailboxUrl: embedMail ? `http://127.0.0.1:${port.mailbox}` : null,
    stackToken: mail,
  };
}

function programsOf(config: Config, redisBehind: string | undefined): Program[] {
  const programs: Program[] = [];
  if (redisBehind) {
    const env = { TRADEWIND_REDIS_URL: redisBehind };
    programs.push({ name: "redis-rest", entry: "apps/redis-rest/main.ts", env });
  }
  if (!config.smtpUrl) programs.push({ name: "mailcatcher", entry: "apps/mailcatcher/main.ts", env: {} });
  return programs;
}

/** Whether who was started with `before` finds all that it needs. */
export function isUnchanged(addresses: Addresses, before: StackFile | null): boolean {
  return before !== null && Bun.deepEquals(serviceEnv(addresses), serviceEnv(before));
}

/** The settings through which our processes find the services. */
export function serviceEnv(addresses: Addresses): Record<string, string> {
  const pairs: [string, string | null][] = [
    ["DATABASE_URL", addresses.databaseUrl],
    ["NATS_URL", addresses.natsUrl],
    ["UPSTASH_REDIS_REST_URL", addresses.redisUrl],
    ["UPSTASH_REDIS_REST_TOKEN", addresses.redisToken],
    ["MEILI_URL", addresses.meiliUrl],
    ["MEILI_KEY", addresses.meiliKey],
    ["SMTP_URL", addresses.smtpUrl],
    ["TRADEWIND_MAILBOX_URL", addresses.mailboxUrl],
    ["TRADEWIND_STACK_TOKEN", addresses.stackToken],
  ];
  return Object.fromEntries(pairs.filter((pair): pair is [string, string] => pair[1] !== null));
}
