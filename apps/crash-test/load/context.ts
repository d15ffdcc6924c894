import type { StackFile } from "../../cluster/index.ts";
import type { Journal } from "../journal.ts";
import type { Random } from "../random.ts";
import type { Shop } from "./shop.ts";

/** What every source of load needs. */
export type LoadContext = {
  readonly journal: Journal;
  readonly shop: Shop;
  readonly keys: NonNullable<StackFile["keys"]>;
  /** Where the next request goes: the shared port, or a way that is cut at times. */
  readonly origin: () => string;
  readonly random: Random;
};

export const storeHeaders = ({ keys }: LoadContext) => ({ "x-publishable-key": keys.publishable! });
export const adminHeaders = ({ keys }: LoadContext) => ({ authorization: `Bearer ${keys.secret}` });
export const opsHeaders = ({ keys }: LoadContext) => ({ authorization: `Bearer ${keys.ops}` });
