import {
  createKey,
  type KeyKind,
  keyKinds,
  listKeys,
  listStores,
  type Role,
  revokeKey,
  roles,
} from "../../../commerce/stores/index.ts";
import type { Sql } from "../../../platform/postgres/index.ts";
import { CliError, type Command, type Context, textOption, UsageError } from "../command.ts";
import { withDatabase } from "../database.ts";
import { table } from "../table.ts";

function kindOf(context: Context): KeyKind {
  const kind = keyKinds.find(one => one === textOption(context, "kind"));
  if (!kind) throw new UsageError(`--kind must be one of ${keyKinds.join(", ")}`);
  return kind;
}

function roleOf(context: Context): Role {
  const role = textOption(context, "role") ?? "operate";
  const known = roles.find(one => one === role);
  if (!known) throw new UsageError(`--role must be one of ${roles.join(", ")}`);
  return known;
}

/** The store that is named, or the only one there is; null for an ops key. */
async function storeOf(sql: Sql, kind: KeyKind, named: string | undefined): Promise<string | null> {
  if (kind === "ops") return null;
  if (named) return named;
  const stores = await listStores(sql, { limit: 2 });
  if (stores.length !== 1)
    throw new UsageError("--store is needed; `tradewind stores list` shows the stores");
  return stores[0]!.id;
}

export const keyCommands: readonly Command[] = [
  {
    path: ["keys", "create"],
    about: "Create a key; it is shown this once",
    options: {
      kind: { type: "string", value: "KIND", about: "publishable, secret or ops" },
      store: { type: "string", value: "ID", about: "its store; default: the only one" },
      role: { type: "string", value: "ROLE", about: "view (changes nothing) or operate (the default)" },
      name: { type: "string", value: "TEXT", about: "what it is for, in lists" },
    },
    async run(context) {
      const [kind, named] = [kindOf(context), textOption(context, "store")];
      if (kind === "ops" && named) throw new UsageError("an ops key belongs to no store: leave --store out");
      const role = roleOf(context);
      return withDatabase(context, async sql => {
        const storeId = await storeOf(sql, kind, named);
        const name = textOption(context, "name") ?? `${kind} key`;
        const { id, key } = await createKey(sql, { kind, storeId, name, role });
        return { json: { id, kind, storeId, name, role, key }, text: key };
      });
    },
  },
  {
    path: ["keys", "list"],
    about: "List keys, revoked ones too; only their first characters are known",
    options: { store: { type: "string", value: "ID", about: "only keys of this store" } },
    run: context =>
      withDatabase(context, async sql => {
        const items = await listKeys(sql, textOption(context, "store"));
        const rows = items.map(one => [
          one.id,
          one.kind,
          one.role,
          one.storeId,
          one.name,
          `${one.prefix}…`,
          one.lastUsedAt?.toISOString(),
          one.revokedAt?.toISOString(),
        ]);
        const head = ["id", "kind", "role", "store", "name", "key", "last used", "revoked"];
        return { json: { items }, text: table(head, rows, "no keys") };
      }),
  },
  {
    path: ["keys", "revoke"],
    args: ["ID"],
    about: "Revoke a key; nodes refuse it within a second",
    run: context =>
      withDatabase(context, async sql => {
        const id = context.args[0]!;
        if (!(await revokeKey(sql, id))) throw new CliError(`${id} is no key that is in force`, "not_found");
        return { json: { id, revoked: true }, text: `${id} is revoked` };
      }),
  },
];
