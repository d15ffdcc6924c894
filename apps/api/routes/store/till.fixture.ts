/** For tests: something on sale, and somebody who buys it, over HTTP. */
import { type TestApi, type TestApiOptions, type TestRequest, testApi } from "../../testing.ts";

export type Till = {
  readonly api: TestApi;
  /** One order of one line; its answer, whatever it is. */
  order(variantId: string, quantity: number): Promise<Response>;
  close(): Promise<void>;
};

export async function openTill(options?: TestApiOptions): Promise<Till> {
  const api = await testApi(options);
  const send = (method: string, path: string, sent: TestRequest) =>
    api.request(method, path, { key: api.keys.publishable, ...sent });
  const order = (variantId: string, quantity: number) => buy(send, { variantId, quantity });
  return { api, order, close: () => api.close() };
}

type Send = (
  method: string,
  path: string,
  sent: { json: object; headers?: Record<string, string> },
) => Promise<Response>;

export async function buy(
  send: Send,
  { variantId, quantity, token = "ok" }: { variantId: string; quantity: number; token?: string },
): Promise<Response> {
  const cart = (await (await send("POST", "/store/carts", { json: {} })).json()) as { id: string };
  const path = `/store/carts/${cart.id}`;
  const filled = await send("POST", `${path}/lines`, { json: { variantId, quantity } });
  if (filled.status !== 200 && filled.status !== 409) throw new Error(await filled.text());
  const json = { payment: { provider: "test", token } };
  return send("POST", `${path}/checkout`, { json, headers: { "idempotency-key": cart.id } });
}

/** A product of one variant. */
export async function onSale(
  { api }: { api: TestApi },
  title: string,
  amountMinor: number,
  onHand: number,
): Promise<{ id: string; variantId: string }> {
  const key = api.keys.secret;
  const json = { title, status: "active", variants: [{ price: { amountMinor } }] };
  const made = await api.request("POST", "/admin/products", { key, json });
  const { id, variants } = (await made.json()) as { id: string; variants: [{ id: string }] };
  const stock = { variantId: variants[0].id, delta: onHand, reason: "test" };
  const put = await api.request("POST", "/admin/inventory/adjustments", { key, json: stock });
  if (!put.ok) throw new Error(await put.text());
  return { id, variantId: variants[0].id };
}
