import { migrate, pendingMigrations } from "../../../platform/postgres/index.ts";
import { modules } from "../../migrations.ts";
import type { Command } from "../command.ts";
import { withDatabase } from "../database.ts";

export const migrateCommand: Command = {
  path: ["migrate"],
  about: "Bring the database's tables up to this version",
  options: { "dry-run": { type: "boolean", about: "only show what would be applied" } },
  run: context =>
    withDatabase(context, async sql => {
      if (context.options["dry-run"]) {
        const pending = await pendingMigrations(sql, modules);
        return { json: { pending }, text: pending.length > 0 ? pending.join("\n") : "nothing to apply" };
      }
      const { io, json } = context;
      const onWait = (migration: string) => io.err(`${migration} waits: others hold its tables\n`);
      const applied = await migrate(sql, modules, json ? {} : { onWait });
      const text = applied.length > 0 ? `applied ${applied.join(", ")}` : "the database is up to date";
      return { json: { applied }, text };
    }),
};
