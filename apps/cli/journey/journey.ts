/**
 * What a visitor does, done once against a deployment and timed step by step: a list, a product, a search and, where the
 * deployment takes test payments, a cart that becomes an order. It ends at the first step that fails.
 *
 * Whether test payments are taken is asked by checking out a cart that does not exist: a provider that is not set up is
 * refused before the cart is looked for. So a deployment that takes none gets no carts that nobody buys. With a secret
 * key the order is cancelled at the end, and its unit goes back to stock.
 */
import { type Answer, JourneyFailed, type Visitor } from "./visitor.ts";

export type Step = { name: string; ms: number };
export type Journey = {
  ok: boolean;
  url: string;
  at: string;
  ms: number;
  steps: Step[];
  /** What went wrong, in the step that is not among `steps`. */
  failed: { step: string; error: string } | null;
  orderId: string | null;
  /** Why nothing was bought, when nothing was. */
  skipped: string | null;
};

type Variant = { id: string; available: number };
type Product = { id: string; title: string; variants: Variant[] };
type Order = { id: string; status: string };

export type Trip = { visitor: Visitor; browseOnly: boolean };

export async function travel({ visitor, browseOnly }: Trip): Promise<Journey> {
  const startedAt = performance.now();
  const journey: Journey = {
    ok: true,
    url: visitor.url,
    at: new Date().toISOString(),
    ms: 0,
    steps: [],
    failed: null,
    orderId: null,
    skipped: null,
  };
  const step = stepper(journey);
  try {
    const variants = await browse(visitor, step);
    const variant = variants.find(one => one.available > 0);
    if (browseOnly) journey.skipped = "browse only";
    else if (!(await step("payments", () => takesTestPayments(visitor))))
      journey.skipped = "the deployment takes no test payments";
    else if (!variant) journey.skipped = "nothing that was looked at is in stock";
    else await buy(visitor, step, variant, journey);
  } catch (error) {
    if (!(error instanceof JourneyFailed)) throw error;
    journey.ok = false;
    journey.failed = { step: error.step, error: error.message };
  }
  journey.ms = round(performance.now() - startedAt);
  return journey;
}

const round = (ms: number) => Number(ms.toFixed(1));

type Stepper = <T>(name: string, work: () => Promise<T>) => Promise<T>;

function stepper(journey: Journey): Stepper {
  return async (name, work) => {
    const startedAt = performance.now();
    try {
      const result = await work();
      journey.steps.push({ name, ms: round(performance.now() - startedAt) });
      return result;
    } catch (error) {
      if (error instanceof JourneyFailed) throw error;
      throw new JourneyFailed(name, (error as Error).message);
    }
  };
}

async function browse(visitor: Visitor, step: Stepper): Promise<Variant[]> {
  const { items } = await step("list", async () => {
    const page = await visitor.get<{ items: Product[] }>("/store/products?limit=24");
    if (page.items.length === 0) throw new Error("the list of products is empty");
    return page;
  });
  const product = await step("product", () => visitor.get<Product>(`/store/products/${items[0]!.id}`));
  await step("search", async () => {
    const query = encodeURIComponent(product.title);
    const found = await visitor.get<{ total: number }>(`/store/search?q=${query}&limit=24`);
    if (found.total === 0) throw new Error(`a search for "${product.title}" finds nothing`);
  });
  return [...product.variants, ...items.flatMap(item => item.variants)];
}

const testPayment = { payment: { provider: "test", token: "ok" } };

async function takesTestPayments(visitor: Visitor): Promise<boolean> {
  const nobody = "cart_00000000000000000000000000";
  const answer = await visitor.send("POST", `/store/carts/${nobody}/checkout`, testPayment, {
    "idempotency-key": `journey-${crypto.randomUUID()}`,
  });
  if (answer.status === 422 && isAboutPayment(answer)) return false;
  if (answer.status === 404) return true;
  throw new Error(`a checkout of no cart answered ${answer.status}`);
}

const isAboutPayment = ({ body }: Answer) =>
  ((body as { errors?: { path: string }[] }).errors ?? []).some(({ path }) => path.includes("payment"));

const address = {
  name: "Ada Visitor",
  line1: "1 Quay",
  city: "Bristol",
  postalCode: "BS1 1AA",
  country: "GB",
};

async function buy(visitor: Visitor, step: Stepper, variant: Variant, journey: Journey): Promise<void> {
  const cart = await step("cart", () => visitor.post<{ id: string }>("/store/carts", {}));
  const path = `/store/carts/${cart.id}`;
  await step("line", () => visitor.post(`${path}/lines`, { variantId: variant.id, quantity: 1 }));
  await step("address", () => visitor.patch(path, { email: visitor.email, shippingAddress: address }));
  const key = { "idempotency-key": `journey-${cart.id}` };
  const order = await step("checkout", () => visitor.post<Order>(`${path}/checkout`, testPayment, key));
  journey.orderId = order.id;
  await step("order", () => placed(visitor, order.id));
  if (visitor.mayCancel) await step("cancel", () => visitor.cancel(order.id));
}

const PATIENCE_MS = 30_000;

/** In flash mode an order waits for its turn. */
async function placed(visitor: Visitor, orderId: string): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; ; await Bun.sleep(100)) {
    const { status } = await visitor.get<Order>(`/store/orders/${orderId}`);
    if (status === "placed" || status === "completed") return;
    if (status !== "pending") throw new Error(`the order is ${status}`);
    if (Date.now() > deadline) throw new Error(`the order is still pending after ${PATIENCE_MS / 1_000} s`);
  }
}
