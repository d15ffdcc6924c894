import { createStore, listStores } from "../../../commerce/stores/index.ts";
import {
  type Command,
  type Context,
  integerOption,
  type Result,
  textOption,
  UsageError,
} from "../command.ts";
import { withDatabase } from "../database.ts";
import { bytes, table } from "../table.ts";

const MAX_LISTED = 1_000;
const GB = 1_000_000_000;
const MAX_QUOTA_GB = 1_000_000;

export type UsageView = { assets: number; bytes: number; maxBytes: number; isOwn: boolean };

export function usageText({ assets, bytes: taken, maxBytes, isOwn }: UsageView): string {
  const whose = isOwn ? "set for this store" : "the deployment's setting";
  return `${assets} pictures, ${bytes(taken)} of ${bytes(maxBytes)} (${whose})`;
}

async function quota(context: Context): Promise<Result> {
  const path = `/stores/${encodeURIComponent(context.args[0]!)}`;
  const gb = integerOption(context, "gb", 0, MAX_QUOTA_GB);
  const isDefault = context.options.default === true;
  if (gb !== undefined && isDefault) throw new UsageError("either --gb or --default");
  if (gb === undefined && !isDefault) {
    const { media } = await context.api.ops<{ media: UsageView }>(path);
    return { json: media, text: usageText(media) };
  }
  const json = { maxBytes: gb === undefined ? null : gb * GB };
  const usage = await context.api.ops<UsageView>(`${path}/media-quota`, { method: "PUT", json });
  return { json: usage, text: usageText(usage) };
}

export const storeCommands: readonly Command[] = [
  {
    path: ["stores", "create"],
    args: ["NAME"],
    about: "Create a store",
    options: { currency: { type: "string", value: "CODE", about: "its currency, ISO 4217 (EUR)" } },
    run: context =>
      withDatabase(context, async sql => {
        const currency = textOption(context, "currency") ?? "EUR";
        const store = await createStore(sql, { name: context.args[0]!, currency });
        const next = `keys: bun run tradewind keys create --kind publishable --store ${store.id}`;
        return { json: store, text: `${store.id}  ${store.name}  ${store.currency}\n${next}` };
      }),
  },
  {
    path: ["stores", "list"],
    about: "List the stores, oldest first",
    run: context =>
      withDatabase(context, async sql => {
        const items = await listStores(sql, { limit: MAX_LISTED });
        const rows = items.map(one => [one.id, one.name, one.currency, one.createdAt.toISOString()]);
        return { json: { items }, text: table(["id", "name", "currency", "created"], rows, "no stores") };
      }),
  },
  {
    path: ["stores", "quota"],
    args: ["ID"],
    about: "Show or set what the originals of a store's pictures may take together",
    options: {
      gb: { type: "string", value: "N", about: "set it to so many GB" },
      default: { type: "boolean", about: "back to the deployment's setting" },
    },
    run: quota,
  },
];
