/**
 * For tests: what a process does that may die at any step of it, and what then is to be seen of one cart and its order:
 * whatever the buyer, the bank, the shelf and the mailbox can tell apart.
 */
import type { Mishap } from "../../platform/testing/index.ts";
import {
  allocate,
  buy,
  expireLeases,
  expireReservations,
  fillCart,
  payQueued,
  queued,
  type Shop,
} from "../checkout/shop.fixture.ts";
import { sweepReservations } from "../inventory/index.ts";
import type { PaymentProvider } from "../payments/index.ts";
import { cancelOrder, fulfilOrder, type Order, refundOrder } from "./index.ts";
import { runStockJobs, sweep } from "./invariants.fixture.ts";

/** `stock`: what the levels were before its cart. */
export type Subject = { cartId: string; order: Order | null; stock: Level[] };
type Level = { onHand: number; reserved: number };

const levels = ({ sql }: Shop) =>
  sql<Level[]>`SELECT on_hand AS "onHand", reserved FROM inventory.level ORDER BY variant_id`;

export type Flow = {
  readonly name: string;
  prepare(shop: Shop): Promise<Subject>;
  /** Asked for under the same key each time, as buyers, admins, queues and keepers do. */
  run(shop: Shop, subject: Subject): Promise<unknown>;
  /** Nobody asks again: then it happened, or it did not. Else who asks is a queue or a keeper, and it goes on asking. */
  readonly mayBeLeft: boolean;
};

/** The shop as a process sees it that meets with a mishap. */
export function befallen(shop: Shop, mishap: Mishap): Shop {
  const sql = mishap.database(shop.sql);
  const providers = { test: mishap.outsider(shop.deps.providers.test!) };
  return { ...shop, sql, deps: { ...shop.deps, sql, providers } };
}

async function cartOf(shop: Shop): Promise<Subject> {
  const stock = [...(await levels(shop))];
  const cart = await fillCart(shop, [
    [0, 2],
    [1, 1],
  ]);
  return { cartId: cart.id, order: null, stock };
}

async function placed(shop: Shop): Promise<Subject> {
  const subject = await cartOf(shop);
  const answer = await buy(shop, subject.cartId, { key: subject.cartId });
  if (answer.status !== 201) throw new Error("not placed");
  return { ...subject, order: answer.order };
}

async function sent(shop: Shop): Promise<Subject> {
  const subject = await placed(shop);
  await runStockJobs(shop);
  await fulfilOrder(depsOf(shop), asked(shop, subject, "sent"), {});
  return subject;
}

/** The same message, delivered once more each time. */
function queuedCheckout(): Flow {
  const delivered = new Map<string, { message: ReturnType<typeof queued>; seq: number; tries: number }>();
  return {
    name: "an allocation",
    async prepare(shop) {
      const subject = await cartOf(shop);
      const seq = delivered.size + 1;
      delivered.set(subject.cartId, { message: queued(shop, subject.cartId), seq, tries: 0 });
      return subject;
    },
    run(shop, { cartId }) {
      const one = delivered.get(cartId)!;
      return allocate(shop, one.message, one.seq, one.tries++ > 0);
    },
    mayBeLeft: false,
  };
}

async function allocated(shop: Shop): Promise<Subject> {
  const subject = await cartOf(shop);
  await allocate(shop, queued(shop, subject.cartId), 1, false);
  return subject;
}

const depsOf = ({ deps: { sql, log, providers } }: Shop) => ({ sql, log, providers });

const asked = (shop: Shop, { order }: Subject, key: string) => ({
  author: { storeId: shop.store.id, actor: "test" },
  orderId: order!.id,
  key: `${key}:${order!.id}`,
});

const checkout = (token: string) => (shop: Shop, subject: Subject) =>
  buy(shop, subject.cartId, { key: subject.cartId, token });

/** The stock lapses while the buyer pays. */
function slow(provider: PaymentProvider, shop: Shop): PaymentProvider {
  const authorise: PaymentProvider["authorise"] = async (...args) => {
    await expireReservations(shop);
    return provider.authorise(...args);
  };
  return { ...provider, authorise };
}

const some = (shop: Shop) => [{ variantId: shop.variants[0]!, quantity: 1, restock: true }];

/** Each is tried with every mishap at every step. */
export const flows: readonly Flow[] = [
  { name: "a checkout", prepare: cartOf, run: checkout("ok"), mayBeLeft: true },
  { name: "a checkout that is declined", prepare: cartOf, run: checkout("decline"), mayBeLeft: true },
  { name: "a checkout whose bank is silent", prepare: cartOf, run: checkout("timeout"), mayBeLeft: true },
  {
    name: "a checkout that outlasts its stock",
    prepare: cartOf,
    run: (shop, subject) => {
      const providers = { test: slow(shop.deps.providers.test!, shop) };
      return buy({ ...shop, deps: { ...shop.deps, providers } }, subject.cartId, { key: subject.cartId });
    },
    mayBeLeft: true,
  },
  queuedCheckout(),
  { name: "a payment after the queue", prepare: allocated, run: payQueued, mayBeLeft: false },
  { name: "a sale", prepare: placed, run: runStockJobs, mayBeLeft: false },
  {
    name: "an expiry",
    async prepare(shop) {
      const subject = await cartOf(shop);
      const between = () => {
        throw new Error("the buyer's process dies");
      };
      await buy(shop, subject.cartId, { key: subject.cartId, deps: { between } }).catch(() => {});
      await expireReservations(shop);
      await expireLeases(shop);
      return subject;
    },
    async run(shop) {
      await sweepReservations(shop.deps);
      await runStockJobs(shop);
      await sweep(shop);
    },
    mayBeLeft: false,
  },
  {
    name: "a cancel",
    prepare: placed,
    run: (shop, subject) => cancelOrder(depsOf(shop), asked(shop, subject, "cancel"), {}),
    mayBeLeft: true,
  },
  {
    name: "a capture",
    prepare: placed,
    run: (shop, subject) => fulfilOrder(depsOf(shop), asked(shop, subject, "fulfil"), {}),
    mayBeLeft: true,
  },
  {
    name: "a refund of a part, which captures",
    prepare: placed,
    run: (shop, subject) => refundOrder(depsOf(shop), asked(shop, subject, "part"), { lines: some(shop) }),
    mayBeLeft: true,
  },
  {
    name: "a refund of all that was sent",
    prepare: sent,
    run: (shop, subject) => refundOrder(depsOf(shop), asked(shop, subject, "all"), { restock: true }),
    mayBeLeft: true,
  },
];

/** What goes on without anybody asking for it, until there is no more to do. */
export async function goOn(shop: Shop): Promise<void> {
  await payQueued(shop);
  await expireLeases(shop);
  await sweep(shop);
  await runStockJobs(shop);
}

/** Orders that came to nothing are not told of: a cart may have any number of those. */
export async function seen(shop: Shop, { cartId, stock }: Subject): Promise<Record<string, unknown>> {
  const [row] = await shop.sql`
    WITH bought AS (SELECT * FROM orders.order o WHERE o.cart_id = ${cartId} AND o.status <> 'refused')
    SELECT (SELECT status FROM carts.cart WHERE id = ${cartId}) AS cart,
           (SELECT json_agg(json_build_array(status, payment_status, fulfilment_status, total_minor, refunded_minor)) FROM bought) AS orders,
           (SELECT json_agg(json_build_array(c.status, c.amount_minor)) FROM payments.test_charge c
            JOIN orders.order o ON o.intent_id = c.intent_id
            WHERE o.cart_id = ${cartId} AND c.status NOT IN ('voided', 'declined')) AS charges,
           (SELECT json_agg(json_build_array(r.status, r.amount_minor)) FROM payments.test_refund r
            JOIN bought o ON o.intent_id = r.intent_id) AS refunds,
           (SELECT json_agg(json_build_array(r.status, l.variant_id, l.quantity, l.restored) ORDER BY l.variant_id)
            FROM inventory.reservation_line l JOIN inventory.reservation r ON r.id = l.reservation_id
            JOIN bought o ON o.reservation_id = r.id) AS units,
           (SELECT json_agg(e.type ORDER BY e.type) FROM orders.event e JOIN bought o ON o.id = e.order_id) AS told,
           (SELECT json_agg(a.action ORDER BY a.action) FROM audit.entry a JOIN bought o ON o.id = a.entity_id) AS audited,
           (SELECT json_agg(kind || ' ' || coalesce(payload ->> 'template', '') ORDER BY kind, payload ->> 'template')
            FROM bus.outbox WHERE kind IN ('email.send', 'stock.commit')) AS jobs`;
  const moved = (await levels(shop)).map((level, i) => ({
    onHand: level.onHand - stock[i]!.onHand,
    reserved: level.reserved - stock[i]!.reserved,
  }));
  return { ...row!, moved };
}
