/** For the commands that speak with NATS itself, because a backup or a restore is needed when nothing else runs. */
import { type Connection, openConnection } from "../../bus/index.ts";
import { silentLog } from "../../platform/log.ts";
import { CliError, type Context } from "./command.ts";

const PATIENCE_MS = 5_000;

/** Runs `work` with a connection to `NATS_URL`, else to the running stack's server. It changes no stream by itself. */
export async function withNats<T>(
  { config, stack }: Context,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const url = config.natsUrl ?? stack.natsUrl;
  if (!url) throw new CliError("no NATS: set NATS_URL, or start the stack with `bun run start`", "no_nats");
  const connection = openConnection({ url, name: "tradewind-cli", log: silentLog });
  try {
    const isThere = await Promise.race([connection.ready.then(() => true), Bun.sleep(PATIENCE_MS)]);
    if (!isThere) throw new CliError("NATS does not answer", "unreachable");
    return await work(connection);
  } finally {
    await connection.close();
  }
}
