/** The commands that need no running API (stores, keys, migrate) go to the database itself. */
import { connect, type Db } from "../../platform/postgres/index.ts";
import { CliError, type Context } from "./command.ts";

/** Runs `work` with a connection to `DATABASE_URL`, else to the running stack's database. */
export async function withDatabase<T>({ config, stack }: Context, work: (sql: Db) => Promise<T>): Promise<T> {
  const url = config.databaseUrl ?? stack.databaseUrl;
  if (!url)
    throw new CliError(
      "no database: set DATABASE_URL, or start the stack with `bun run start`",
      "no_database",
    );
  const sql = connect(url, { max: 2, application: "tradewind-cli" });
  try {
    return await work(sql);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ECONNREFUSED" || code === "CONNECT_TIMEOUT" || code === "ENOTFOUND") {
      throw new CliError(`the database at ${new URL(url).host} does not answer`, "unreachable");
    }
    if (code === "42P01" || code === "3F000") {
      throw new CliError("the database has no tables yet: run `bun run tradewind migrate`", "not_migrated");
    }
    throw error;
  } finally {
    await sql.end({ timeout: 2 });
  }
}
