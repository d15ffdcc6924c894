/** The connection data of the running test servers, as `bun run test` writes them. */
export type TestStack = {
  /** Superuser on the database `postgres`. */
  readonly adminUrl: string;
  readonly nats: { readonly port: number; readonly secret: string; readonly accounts: number };
  readonly redisUrl: string;
  readonly redisToken: string;
  /** Null on a platform without Meilisearch. */
  readonly meiliUrl: string | null;
  readonly meiliKey: string | null;
  readonly smtpUrl: string;
  readonly mailboxUrl: string;
  readonly mailboxToken: string;
  /** Path of a Chromium; null on a machine without one. */
  readonly browser: string | null;
  /** Path of a file that exports `modules`: whose migrations make the template database. */
  readonly migrations: string;
};

let loaded: Promise<TestStack> | undefined;

/** @throws when the tests were started by a bare `bun test` without servers. */
export function testServers(): Promise<TestStack> {
  loaded ??= readStack();
  return loaded;
}

async function readStack(): Promise<TestStack> {
  // Tests are the one place besides config.ts that look here: there is no process yet that was configured.
  const file = process.env.TRADEWIND_TEST_STACK;
  if (!file) throw new Error('tests need servers: run "bun run test [paths]" instead of "bun test"');
  return Bun.file(file).json();
}
