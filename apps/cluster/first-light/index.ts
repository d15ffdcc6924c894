/**
 * The first-light journey: over HTTP alone it imports the demo catalog, uploads a picture, buys one unit and finds the
 * product by search, and waits until each kind of job was done. It shows that the whole machine works, or what does not.
 *
 * It can be repeated: the same file and the same picture change nothing, an order more is a demo order more. Times are
 * the ledger's, from enqueued to done; a job that an earlier journey made shows its time of then.
 */
import { demoCatalog, demoPicture } from "../../../commerce/demo/index.ts";
import type { StackFile } from "../home.ts";
import { caller } from "./client.ts";
import { anyProduct, buy, findBySearch, importCatalog, jobMs, mailTo, uploadPicture } from "./steps.ts";

/** Never throws: a journey that fails is told, and the cluster stays up. True when all jobs were done. */
export async function runFirstLight(stack: StackFile, say: (text: string) => void): Promise<boolean> {
  say("\nFirst light: one job of each kind");
  try {
    await journey(stack, (kind, ms, remark) =>
      say(`  ${kind.padEnd(16)}${`${ms} ms`.padStart(9)}   ${remark}`),
    );
    say("  four jobs done: import, order, photo, search");
    return true;
  } catch (error) {
    say(`  FAILED: ${(error as Error).message}`);
    say(`  The cluster stays up; its logs are in ${stack.home}/logs.`);
    return false;
  }
}

type Tell = (kind: string, ms: number, remark: string) => void;

async function journey(stack: StackFile, tell: Tell): Promise<void> {
  const api = caller(stack.api, stack.keys!);
  const imported = await importCatalog(api, demoCatalog);
  tell(
    "catalog.import",
    await jobMs(api, "catalog.import", `import:${imported.id}`),
    `${imported.products} products`,
  );

  const product = await anyProduct(api);
  const engine = stack.meiliUrl ? "meilisearch" : "postgres";
  const [, asset] = await Promise.all([
    findBySearch(api, product, engine),
    uploadPicture(api, demoPicture, product.id),
  ]);
  tell(
    "search.index",
    await jobMs(api, "search.index", `product:${product.id}`),
    `"${product.title}", by ${engine}`,
  );
  tell("image.convert", await jobMs(api, "image.convert", `asset:${asset.id}`), asset.id);

  const email = `ada+${Date.now()}@example.org`;
  const order = await buy(api, product, email);
  tell("stock.commit", await jobMs(api, "stock.commit", `order:${order.id}`), `order ${order.number}`);
  if (stack.mailboxUrl) await mailTo(api, email);
  tell("email.send", await jobMs(api, "email.send", `order:${order.id}`), stack.mailboxUrl ? email : "sent");
}
