/** The steps of the journey, each over HTTP as a shop or merchant would. */
import { basename } from "node:path";
import { type Caller, waitFor } from "./client.ts";

type Import = { id: string; status: string; products: number; errors: { row: number; message: string }[] };
type Asset = { id: string; status: string; error?: { message: string } };
type Variant = { id: string; available: number };
type Product = { id: string; title: string; variants: Variant[] };
type Order = { id: string; number: string; status: string };
type Job = { id: string; status: string; error: string | null; queuedAt: string; finishedAt: string | null };
type Mail = { id: string; to: string[] };
type Page<T> = { items: T[] };

/** Milliseconds from the moment a job was enqueued until its end stood in the ledger. */
export async function jobMs(api: Caller, kind: string, key: string): Promise<number> {
  const path = `/ops/jobs?kind=${kind}&key=${encodeURIComponent(key)}&limit=1`;
  const job = await waitFor(`the end of ${kind} for ${key}`, async () => {
    const found = (await api.ops<Page<Job>>(path)).items[0];
    if (found?.status === "dead") throw new Error(`${kind} for ${key} failed: ${found.error}`);
    return found?.finishedAt ? found : null;
  });
  return Date.parse(job.finishedAt!) - Date.parse(job.queuedAt);
}

function fileForm(path: string, fields: Record<string, string> = {}): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  form.set("file", Bun.file(path), basename(path));
  return form;
}

export async function importCatalog(api: Caller, csv: string): Promise<Import> {
  const { id } = await api.admin<Import>("POST", "/admin/imports", fileForm(csv));
  const ended = await waitFor(`the end of import ${id}`, async () => {
    const now = await api.admin<Import>("GET", `/admin/imports/${id}`);
    return ["done", "failed"].includes(now.status) ? now : null;
  });
  if (ended.status === "done") return ended;
  throw new Error(`import ${id} failed: ${JSON.stringify(ended.errors.slice(0, 3))}`);
}

export async function uploadPicture(api: Caller, path: string, productId: string): Promise<Asset> {
  const fields = { productId, alt: "First light" };
  const { id } = await api.admin<Asset>("POST", "/admin/media", fileForm(path, fields));
  const ended = await waitFor(`the end of picture ${id}`, async () => {
    const now = await api.admin<Asset>("GET", `/admin/media/${id}`);
    return now.status === "processing" ? null : now;
  });
  if (ended.status === "ready") return ended;
  throw new Error(`picture ${id} failed: ${ended.error?.message}`);
}

/** A product of the demo catalog, as the shop shows it; lists follow an import within a second or two. */
export async function anyProduct(api: Caller): Promise<Product> {
  const listed = await waitFor("a product in the shop's list", async () => {
    const { items } = await api.store<Page<Product>>("GET", "/store/products?limit=1");
    return items[0] ?? null;
  });
  return api.store<Product>("GET", `/store/products/${listed.id}`);
}

/** One unit of the product is bought; stock is added first when the journeys before have sold it out. */
export async function buy(api: Caller, product: Product, email: string): Promise<Order> {
  const variant = product.variants[0]!;
  if (variant.available < 1) {
    const more = { variantId: variant.id, delta: 10, reason: "first light" };
    await api.admin("POST", "/admin/inventory/adjustments", more);
  }
  const { id } = await api.store<{ id: string }>("POST", "/store/carts", {});
  await api.store("POST", `/store/carts/${id}/lines`, { variantId: variant.id, quantity: 1 });
  const shippingAddress = {
    name: "Ada",
    line1: "Lighthouse 1",
    city: "Hamburg",
    postalCode: "20457",
    country: "DE",
  };
  await api.store("PATCH", `/store/carts/${id}`, { email, shippingAddress });
  const payment = { provider: "test", token: "ok" };
  const headers = { "idempotency-key": `first-light-${id}` };
  return api.store<Order>("POST", `/store/carts/${id}/checkout`, { payment }, headers);
}

export function mailTo(api: Caller, email: string): Promise<Mail> {
  return waitFor(`the mail to ${email}`, async () => {
    const { items } = await api.ops<Page<Mail>>("/ops/mailbox?limit=20");
    return items.find(mail => mail.to.includes(email));
  });
}

/** Waits until the engine finds the product; Postgres answers as long as the engine's index is not there yet. */
export function findBySearch(api: Caller, product: Product, engine: string): Promise<true> {
  const path = `/store/search?q=${encodeURIComponent(product.title)}&limit=20`;
  return waitFor(`"${product.title}" in the search by ${engine}`, async () => {
    const found = await api.store<Page<Product> & { engine: string }>("GET", path);
    return found.engine === engine && found.items.some(item => item.id === product.id);
  });
}
