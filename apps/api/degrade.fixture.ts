/** For tests: a shop in which each group of routes of degrade.ts can be asked, whatever is away. */
import { expect } from "bun:test";
import { upsertProducts } from "../../commerce/catalog/index.ts";
import { setFlash } from "../../commerce/checkout/index.ts";
import { setPrices } from "../../commerce/pricing/index.ts";
import { transaction } from "../../platform/postgres/index.ts";
import type { Answer, Group } from "./degrade.ts";
import type { TestApi } from "./testing.ts";

const PASSWORD = "correct horse battery";
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const EMAIL = "buyer@example.com";

export type Handle = (request: Request) => Response | Promise<Response>;
/** Carts that can be bought, made while all is well. */
export type Filled = { cart: string; hot: string };
type Token = "ok" | "timeout" | "down";

/** `down`: by a provider that nobody reaches. */
const payment = (token: Token) => ({
  payment: token === "down" ? { provider: "stripe", token: "pm_card_visa" } : { provider: "test", token },
});

function upload(): FormData {
  const form = new FormData();
  form.append("file", new File([PNG], "dot.png"));
  return form;
}

/** Products that are sold, kept, and (`hot`) sold from a queue. */
async function stock(api: TestApi): Promise<{ variantId: string; hotId: string }> {
  const made = await transaction(api.sql, async tx => {
    // Stock of the kept one does not move: each change would make its answer old.
    const products = ["sold", "kept", "hot"].map((handle, ref) => {
      const variants = [{ ref, optionValues: [], sku: handle }];
      return { ref, handle, title: handle, status: "active" as const, variants };
    });
    const { variants } = await upsertProducts(tx, api.store.id, products);
    const rows = variants.map(one => ({ ...one, onHand: 1_000 }));
    const prices = variants.map(one => ({ ...one, amountMinor: 500, compareAtMinor: null }));
    await setPrices(tx, api.store.id, "EUR", prices);
    await tx`SELECT inventory.set_initial(${api.store.id}, ${tx.json(rows as never)}, 'new', 'test')`;
    return variants;
  });
  const idOf = (ref: number) => made.find(one => one.ref === ref)!.variantId;
  await setFlash(api.sql, { storeId: api.store.id, variantId: idOf(2), on: true, author: "test" });
  return { variantId: idOf(0), hotId: idOf(2) };
}

export async function openDegradable(api: TestApi) {
  const { variantId, hotId } = await stock(api);

  function ask(handle: Handle) {
    return async (method: string, path: string, body?: unknown): Promise<Response> => {
      const { publishable, secret, ops } = api.keys;
      const headers: Record<string, string> = { "idempotency-key": crypto.randomUUID() };
      if (path.startsWith("/store")) headers["x-publishable-key"] = publishable;
      else headers.authorization = `Bearer ${path.startsWith("/ops") ? ops : secret}`;
      if (body instanceof FormData)
        return handle(new Request(`http://localhost${path}`, { method, headers, body }));
      if (body !== undefined) headers["content-type"] = "application/json";
      const text = body === undefined ? null : JSON.stringify(body);
      return handle(new Request(`http://localhost${path}`, { method, headers, body: text }));
    };
  }
  const front = ask(request => api.app.handle(request));

  /** Path of a cart. */
  async function cart(variant: string): Promise<string> {
    const made = await front("POST", "/store/carts", { email: EMAIL });
    const path = made.headers.get("location")!;
    await front("POST", `${path}/lines`, { variantId: variant, quantity: 1 });
    return path;
  }
  const filledCarts = async (): Promise<Filled> => ({ cart: await cart(variantId), hot: await cart(hotId) });

  await front("POST", "/store/customers", { email: EMAIL, password: PASSWORD });
  const ordered = await front("POST", `${await cart(variantId)}/checkout`, payment("ok"));
  const orderPath = ordered.headers.get("location")!;

  /** One request of each group. */
  function requests(handle: Handle, filled: Filled, token: Token): Record<Group, () => Promise<Response>> {
    const front = ask(handle);
    return {
      kept: () => front("GET", "/store/products/kept"),
      search: () => front("GET", "/store/search?q=kept"),
      cart: () => front("POST", "/store/carts", {}),
      checkout: () => front("POST", `${filled.cart}/checkout`, payment(token)),
      flash: () => front("POST", `${filled.hot}/checkout`, payment("ok")),
      order: () => front("GET", orderPath),
      logIn: () => front("POST", "/store/sessions", { email: EMAIL, password: PASSWORD }),
      adminWrite: () => front("POST", "/admin/products", { title: crypto.randomUUID() }),
      history: () => front("GET", "/admin/orders"),
      upload: () => front("POST", "/admin/media", upload()),
      jobs: () => front("GET", "/ops/jobs"),
      pools: () => front("GET", "/ops/pools"),
    };
  }

  async function expectAnswers(
    handle: Handle,
    answers: Record<Group, Answer>,
    { token = "ok", filled }: { token?: Token; filled?: Filled } = {},
  ) {
    const asked = requests(handle, filled ?? (await filledCarts()), token);
    const told = await Promise.all(
      Object.entries(asked).map(async ([group, request]) => {
        const response = await request();
        const text = await response.text();
        const { status, headers } = response;
        if (status === 503) expect([group, Number(headers.get("retry-after"))]).toEqual([group, 1]);
        if (status >= 400) expect([group, JSON.parse(text).status]).toEqual([group, status]);
        const isKept = answers[group as Group] === "kept" && headers.get("x-cache") !== "MISS";
        const isDirect = group === "flash" && status === 201;
        return [group, status >= 400 ? status : isKept ? "kept" : isDirect ? "direct" : "ok"];
      }),
    );
    expect(Object.fromEntries(told)).toEqual(answers);
  }
  return { ask, orderPath, filledCarts, expectAnswers };
}

export type Degradable = Awaited<ReturnType<typeof openDegradable>>;
