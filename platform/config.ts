/**
 * Configuration: read once, validated, passed down. No other file reads `process.env`.
 *
 * Every setting is one row of {@link settings}; docs/operations.md shows the same table. A malformed value, or an
 * unknown variable with our prefix, is refused at start with one line that names it.
 */
import { isIP } from "node:net";

export class ConfigError extends Error {
  override name = "ConfigError";
}

type Env = Record<string, string | undefined>;

type Setting<T> = {
  readonly env: string;
  readonly about: string;
  readonly parse: (raw: string) => T;
  readonly fallback: T;
  /** Set by the supervisor for its children, not by people; left out of the documentation table. */
  readonly internal?: boolean;
};

function text(env: string, fallback: string, about: string, internal = false): Setting<string> {
  return { env, about, fallback, parse: raw => raw, internal };
}

function optional(env: string, about: string, internal = false): Setting<string | undefined> {
  return { env, about, fallback: undefined, parse: raw => raw, internal };
}

function integer(
  env: string,
  fallback: number,
  min: number,
  max: number,
  about: string,
  internal = false,
): Setting<number> {
  const parse = (raw: string) => {
    const value = Number(raw);
    if (!/^-?\d+$/.test(raw) || value < min || value > max) {
      throw new ConfigError(`${env} must be a whole number from ${min} to ${max}, not "${raw}"`);
    }
    return value;
  };
  return { env, about, fallback, parse, internal };
}

function optionalInteger(env: string, min: number, max: number, about: string): Setting<number | undefined> {
  return { ...integer(env, min, min, max, about), fallback: undefined };
}

function choice<const C extends readonly string[]>(
  env: string,
  choices: C,
  fallback: C[number],
  about: string,
): Setting<C[number]> {
  const parse = (raw: string) => {
    if (!choices.includes(raw))
      throw new ConfigError(`${env} must be one of ${choices.join(", ")}, not "${raw}"`);
    return raw as C[number];
  };
  return { env, about, fallback, parse };
}

function flag(env: string, fallback: boolean, about: string): Setting<boolean> {
  const parse = (raw: string) => {
    if (raw === "on" || raw === "true" || raw === "1") return true;
    if (raw === "off" || raw === "false" || raw === "0") return false;
    throw new ConfigError(`${env} must be on or off, not "${raw}"`);
  };
  return { env, about, fallback, parse };
}

function url(
  env: string,
  about: string,
  protocols: readonly string[],
  internal = false,
): Setting<string | undefined> {
  const parse = (raw: string): string | undefined => {
    for (const one of raw.split(",")) {
      const parsed = URL.parse(one.includes("://") ? one : `${protocols[0]}//${one}`);
      if (!parsed || !protocols.includes(parsed.protocol)) {
        throw new ConfigError(
          `${env} must be a URL that starts with ${protocols.map(p => `${p}//`).join(" or ")}`,
        );
      }
    }
    return raw;
  };
  return { env, about, fallback: undefined, parse, internal };
}

function urls(env: string, about: string, protocols: string[]): Setting<readonly string[]> {
  const one = url(env, about, protocols);
  const parse = (raw: string) => raw.split(",").map(item => one.parse(item.trim())!);
  return { env, about, fallback: [], parse };
}

function pairs(env: string, about: string): Setting<Readonly<Record<string, string>>> {
  const parse = (raw: string) =>
    Object.fromEntries(
      raw.split(",").map(pair => {
        const [, name, value] = /^\s*([\w-]+)\s*=(.*)$/.exec(pair) ?? [];
        if (name === undefined) throw new ConfigError(`${env} must list name=value, separated by commas`);
        return [name, decodeURIComponent(value!.trim())];
      }),
    );
  return { env, about, fallback: {}, parse };
}

function timeZone(env: string, fallback: string, about: string): Setting<string> {
  const parse = (raw: string) => {
    try {
      return new Intl.DateTimeFormat("en", { timeZone: raw }).resolvedOptions().timeZone;
    } catch {
      throw new ConfigError(`${env} must be a time zone such as Europe/Berlin, not "${raw}"`);
    }
  };
  return { env, about, fallback, parse };
}

function networks(env: string, about: string): Setting<readonly string[]> {
  const parse = (raw: string) => {
    const list = raw.split(",").map(one => one.trim());
    const bad = list.find(one => !isNetwork(one));
    if (bad !== undefined) throw new ConfigError(`${env} must list IP addresses or networks, not "${bad}"`);
    return list;
  };
  return { env, about, fallback: [], parse };
}

function isNetwork(text: string): boolean {
  const [address = "", bits, ...rest] = text.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

export const settings = {
  port: integer("PORT", 3000, 1, 65_535, "shared port of the API nodes"),
  home: text("TRADEWIND_HOME", ".tradewind", "data, logs and stack.json of the embedded stack"),

  databaseUrl: url("DATABASE_URL", "Postgres; embedded when unset", ["postgres:", "postgresql:"]),
  databaseReplicaUrls: urls(
    "DATABASE_REPLICA_URLS",
    "read replicas of Postgres, separated by commas; each the address of one server",
    ["postgres:", "postgresql:"],
  ),
  natsUrl: url("NATS_URL", "NATS servers, separated by commas; embedded when unset", ["nats:", "tls:"]),
  redisUrl: url("UPSTASH_REDIS_REST_URL", "Redis over REST; embedded when unset", ["http:", "https:"]),
  redisToken: optional("UPSTASH_REDIS_REST_TOKEN", "token of the Redis REST endpoint"),
  meiliUrl: url("MEILI_URL", "Meilisearch; embedded when unset", ["http:", "https:"]),
  meiliKey: optional("MEILI_KEY", "API key of Meilisearch"),
  s3Endpoint: url("S3_ENDPOINT", "S3-compatible service for media; a folder when unset", ["https:", "http:"]),
  s3Bucket: optional("S3_BUCKET", "bucket of the media"),
  s3AccessKeyId: optional("S3_ACCESS_KEY_ID", "access key of the S3 service"),
  s3SecretAccessKey: optional("S3_SECRET_ACCESS_KEY", "secret key of the S3 service"),
  s3Region: text("S3_REGION", "us-east-1", "region of the bucket"),
  smtpUrl: url("SMTP_URL", "SMTP server; an embedded mail catcher when unset", ["smtp:", "smtps:"]),

  redisTimeoutMs: integer(
    "TRADEWIND_REDIS_TIMEOUT_MS",
    50,
    5,
    10_000,
    "how long a request waits for Redis before it goes on without",
  ),

  natsServerBin: optional("NATS_SERVER_BIN", "path of nats-server for the embedded stack"),
  redisServerBin: optional("REDIS_SERVER_BIN", "path of redis-server for the embedded stack"),
  meiliBin: optional("MEILI_BIN", "path of meilisearch for the embedded stack"),

  chromiumBin: optional("CHROMIUM_BIN", "path of Chromium for the tests of the web console"),

  firstLight: flag("TRADEWIND_FIRST_LIGHT", true, "run the first-light journey after start"),
  demo: flag("TRADEWIND_DEMO", true, "create the demo store on first start"),
  apiNodes: integer("TRADEWIND_API_NODES", 2, 1, 64, "API node processes on this host"),
  highProcesses: integer(
    "TRADEWIND_HIGH_PROCESSES",
    1,
    0,
    256,
    "worker processes of the high pool that this host starts with; 0: it takes no part in this pool",
  ),
  normalProcesses: integer("TRADEWIND_NORMAL_PROCESSES", 1, 0, 256, "the same of the normal pool"),
  lowProcesses: integer("TRADEWIND_LOW_PROCESSES", 1, 0, 256, "the same of the low pool"),
  autoscale: flag(
    "TRADEWIND_AUTOSCALE",
    true,
    "fit the number of worker processes to the load; off: only `pools scale` changes it",
  ),
  highFloor: optionalInteger(
    "TRADEWIND_HIGH_FLOOR",
    0,
    256,
    "least processes of the high pool in the whole cluster; default: what all hosts start with",
  ),
  normalFloor: optionalInteger("TRADEWIND_NORMAL_FLOOR", 0, 256, "the same of the normal pool"),
  lowFloor: optionalInteger("TRADEWIND_LOW_FLOOR", 0, 256, "the same of the low pool"),
  highCeiling: optionalInteger(
    "TRADEWIND_HIGH_CEILING",
    0,
    1_000,
    "most processes of the high pool in the whole cluster; default: two a core of all hosts",
  ),
  normalCeiling: optionalInteger("TRADEWIND_NORMAL_CEILING", 0, 1_000, "the same of the normal pool"),
  lowCeiling: optionalInteger("TRADEWIND_LOW_CEILING", 0, 1_000, "the same of the low pool"),
  highTargetSeconds: integer(
    "TRADEWIND_HIGH_TARGET_SECONDS",
    5,
    1,
    86_400,
    "age that no waiting job of the high pool should reach",
  ),
  normalTargetSeconds: integer(
    "TRADEWIND_NORMAL_TARGET_SECONDS",
    30,
    1,
    86_400,
    "the same of the normal pool",
  ),
  lowTargetSeconds: integer("TRADEWIND_LOW_TARGET_SECONDS", 300, 1, 86_400, "the same of the low pool"),
  scaleUpSeconds: integer(
    "TRADEWIND_SCALE_UP_SECONDS",
    5,
    1,
    3_600,
    "least time between two steps up of a pool",
  ),
  scaleDownSeconds: integer(
    "TRADEWIND_SCALE_DOWN_SECONDS",
    60,
    1,
    86_400,
    "a pool shrinks to the most that it needed within this time",
  ),
  workerCores: optionalInteger(
    "TRADEWIND_WORKER_CORES",
    1,
    1_024,
    "cores of this machine that growing pools may fill; default: all",
  ),
  highMemoryMb: integer(
    "TRADEWIND_HIGH_MEMORY_MB",
    512,
    96,
    1_048_576,
    "a worker of the high pool that takes more finishes, leaves and is replaced; at twice as much it is killed",
  ),
  normalMemoryMb: integer("TRADEWIND_NORMAL_MEMORY_MB", 768, 96, 1_048_576, "the same of the normal pool"),
  lowMemoryMb: integer("TRADEWIND_LOW_MEMORY_MB", 1_024, 96, 1_048_576, "the same of the low pool"),
  retireSeconds: integer(
    "TRADEWIND_RETIRE_SECONDS",
    600,
    1,
    7_200,
    "how long a worker that is one too many, or over its memory limit, may take to finish its jobs",
  ),
  timeZone: timeZone(
    "TRADEWIND_TIME_ZONE",
    "UTC",
    "time zone of schedules that name none, such as `Europe/Berlin`",
  ),
  databasePool: integer("TRADEWIND_DATABASE_POOL", 10, 2, 200, "Postgres connections per process"),
  natsReplicas: integer(
    "TRADEWIND_NATS_REPLICAS",
    1,
    1,
    5,
    "copies of each stream; 3 on a cluster of NATS servers",
  ),
  cacheMb: integer(
    "TRADEWIND_CACHE_MB",
    64,
    0,
    65_536,
    "memory that an API node fills with ready answers of the shop, in MB; 0: none",
  ),
  cdnSeconds: integer(
    "TRADEWIND_CDN_SECONDS",
    1,
    0,
    86_400,
    "how long a CDN may give a product, a list or a search again without asking (`s-maxage`); raise it only where something purges by `Surrogate-Key`",
  ),
  drainSeconds: integer(
    "TRADEWIND_DRAIN_SECONDS",
    25,
    1,
    600,
    "how long a process may take to finish its work on SIGTERM",
  ),
  idleSeconds: integer(
    "TRADEWIND_IDLE_SECONDS",
    30,
    4,
    240,
    "how long an API node keeps a connection on which it sends nothing; an upload may pause as long",
  ),
  uploadKbPerSecond: integer(
    "TRADEWIND_UPLOAD_KB_PER_SECOND",
    10,
    1,
    100_000,
    "least pace of an upload, in KB a second; what falls behind is refused with 408",
  ),
  reservationSeconds: integer(
    "TRADEWIND_RESERVATION_SECONDS",
    600,
    5,
    86_400,
    "how long a checkout holds its stock",
  ),
  stripeSecretKey: optional("TRADEWIND_STRIPE_SECRET_KEY", "secret key of Stripe; unset: no provider stripe"),
  stripeWebhookSecret: optional(
    "TRADEWIND_STRIPE_WEBHOOK_SECRET",
    "signing secret of Stripe's webhooks to /webhooks/stripe",
  ),
  stripeApiHost: url("TRADEWIND_STRIPE_API_HOST", "origin of Stripe's API; default: https://api.stripe.com", [
    "https:",
    "http:",
  ]),
  checkoutGroup: integer(
    "TRADEWIND_CHECKOUT_GROUP",
    128,
    1,
    1_000,
    "most checkouts that an API node sends to Postgres as one statement; 1: one by one",
  ),
  cartIdleHours: integer(
    "TRADEWIND_CART_IDLE_HOURS",
    24,
    1,
    8_760,
    "hours without a change after which a cart with lines counts as abandoned",
  ),
  // Off: a shop front must know the answer 202 before load may bring it about.
  flashAtWaiting: integer(
    "TRADEWIND_FLASH_AT_WAITING",
    0,
    0,
    100_000,
    "checkouts of a store that wait in a node, beyond which flash mode comes on by itself for what they want; 0: never",
  ),
  flashMaxWaiting: integer(
    "TRADEWIND_FLASH_MAX_WAITING",
    100_000,
    1,
    100_000_000,
    "checkouts that may wait in a lane of flash mode; beyond that 429",
  ),
  saleCheckouts: integer(
    "TRADEWIND_SALE_CHECKOUTS",
    128,
    1,
    100_000,
    "direct checkouts that an API node serves at once during a sale; beyond that 429",
  ),
  publicUrl: url("TRADEWIND_PUBLIC_URL", "origin in links that leave the cluster; default: the API's own", [
    "http:",
    "https:",
  ]),
  trustedProxies: networks(
    "TRADEWIND_TRUSTED_PROXIES",
    "addresses and networks (CIDR) of proxies whose X-Forwarded-For is believed, separated by commas",
  ),
  rateLimitFactor: integer(
    "TRADEWIND_RATE_LIMIT_FACTOR",
    1,
    1,
    1_000_000,
    "multiplies every rate limit; the limits are evaluated all the same",
  ),
  sessionDays: integer("TRADEWIND_SESSION_DAYS", 30, 1, 180, "days that an unused customer session lives"),
  consoleHours: integer(
    "TRADEWIND_CONSOLE_HOURS",
    12,
    1,
    168,
    "hours after which the web console asks for a key again; two hours without use end a session sooner",
  ),
  passwordHashes: integer(
    "TRADEWIND_PASSWORD_HASHES",
    2,
    1,
    64,
    "password hashes (19 MiB each) that one API node computes at once",
  ),
  passwordResetUrl: url(
    "TRADEWIND_PASSWORD_RESET_URL",
    "page of the shop that sets a new password, for the mail; {token} and {storeId} are filled in",
    ["https:", "http:"],
  ),
  mailFrom: text("TRADEWIND_MAIL_FROM", "Tradewind <shop@tradewind.example>", "sender of the mails"),
  mediaDir: optional(
    "TRADEWIND_MEDIA_DIR",
    "folder of the uploaded media; default: media under TRADEWIND_HOME",
  ),
  mediaDelivery: choice(
    "TRADEWIND_MEDIA_DELIVERY",
    ["proxy", "redirect"],
    "proxy",
    "how pictures in a bucket go out: through the API nodes, or by a redirect to a signed URL of the bucket",
  ),
  mediaMaxMb: integer("TRADEWIND_MEDIA_MAX_MB", 64, 1, 2_048, "largest picture that may be uploaded, in MB"),
  mediaStoreGb: integer(
    "TRADEWIND_MEDIA_STORE_GB",
    100,
    1,
    1_000_000,
    "what the originals of one store may take together, in GB, where nothing else is set for it",
  ),
  otlpEndpoint: url(
    "TRADEWIND_OTLP_ENDPOINT",
    "OTLP collector that gets traces over HTTP, such as http://localhost:4318; unset: none are recorded",
    ["http:", "https:"],
  ),
  otlpHeaders: pairs(
    "TRADEWIND_OTLP_HEADERS",
    "headers for the collector, as name=value, separated by commas",
  ),
  tracePercent: integer("TRADEWIND_TRACE_PERCENT", 100, 1, 100, "percent of the traces that are recorded"),
  alertWebhook: url(
    "TRADEWIND_ALERT_WEBHOOK",
    "where alerts are posted, in the format of Alertmanager's webhook",
    ["https:", "http:"],
  ),
  alertWebhookPrivate: flag(
    "TRADEWIND_ALERT_WEBHOOK_PRIVATE",
    false,
    "the alert webhook may be at a private or loopback address",
  ),
  logLevel: choice(
    "TRADEWIND_LOG_LEVEL",
    ["debug", "info", "warn", "error", "silent"],
    "info",
    "least level that is logged",
  ),
  accessLog: choice(
    "TRADEWIND_ACCESS_LOG",
    ["sampled", "all"],
    "sampled",
    "lines of the access log: of answers out of a cache one in a thousand and of all others each, or each of all",
  ),
  logFormat: choice(
    "TRADEWIND_LOG_FORMAT",
    ["auto", "json", "pretty"],
    "auto",
    "pretty on a terminal when auto",
  ),

  processName: text("TRADEWIND_PROCESS", "", "name of this process in logs", true),
  nodePort: integer(
    "TRADEWIND_NODE_PORT",
    0,
    0,
    65_535,
    "loopback port of this API node; 0: a free one",
    true,
  ),
  readyFile: optional("TRADEWIND_READY_FILE", "file that this process makes when it works", true),
  pool: text("TRADEWIND_POOL", "", "priority that this worker process serves", true),
  mailboxUrl: url("TRADEWIND_MAILBOX_URL", "HTTP door of the embedded mail catcher", ["http:"], true),
  embeddedRedisUrl: optional("TRADEWIND_REDIS_URL", "the Redis behind the embedded REST front", true),
  stackToken: optional("TRADEWIND_STACK_TOKEN", "secret shared by the processes of one embedded stack", true),
} as const satisfies Record<string, Setting<unknown>>;

export type Config = {
  readonly [K in keyof typeof settings]: (typeof settings)[K] extends Setting<infer T> ? T : never;
};

/** Variables with our prefix that belong to the test runner and tools rather than to a running process. */
const foreign = new Set([
  "TRADEWIND_API",
  "TRADEWIND_PUBLISHABLE_KEY",
  "TRADEWIND_SECRET_KEY",
  "TRADEWIND_OPS_KEY",
  "TRADEWIND_TEST_STACK",
]);

/**
 * Reads and validates every setting.
 * @throws ConfigError naming the variable that is malformed or unknown.
 */
export function loadConfig(env: Env): Config {
  const known = new Set<string>(Object.values(settings).map(setting => setting.env));
  for (const name of Object.keys(env)) {
    if (name.startsWith("TRADEWIND_") && !known.has(name) && !foreign.has(name)) {
      throw new ConfigError(`${name} is not a setting of Tradewind; docs/operations.md lists them`);
    }
  }
  const entries = Object.entries(settings).map(([key, setting]) => {
    const raw = env[setting.env];
    return [key, raw === undefined || raw === "" ? setting.fallback : setting.parse(raw)];
  });
  return Object.fromEntries(entries) as Config;
}

/** A setting that this process can't do without; the supervisor sets it for its children. */
export function required<K extends keyof Config>(config: Config, key: K): NonNullable<Config[K]> {
  const value = config[key];
  if (value === undefined || value === "") throw new ConfigError(`${settings[key].env} must be set`);
  return value as NonNullable<Config[K]>;
}
