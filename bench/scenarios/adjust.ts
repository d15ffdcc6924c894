/**
 * Adjustments of stock over HTTP, on 1,000 SKUs and on one, beside the bare conditional update of the same rows from as many
 * connections. Each one is a level, a row of the ledger, a row of the audit log and the jobs that follow, in one transaction.
 */
import type { Db } from "../../platform/postgres/index.ts";
import { closedCalls, closedLoop } from "../load/closed.ts";
import { requestText } from "../load/connection.ts";
import type { Case, Report, Scenario } from "../scenario.ts";
import { type BenchShop, openBenchShop } from "../shop.ts";
import { figuresOf, type Measured, round } from "../stats.ts";

const SKUS = 1_000;
const CLIENTS = 4;
const P95_MS = 10;
const IN_STOCK = 1_000_000;

export const adjustScenario: Scenario = {
  name: "adjust",
  about: "an adjustment of stock over HTTP, beside the bare update",
  seconds: 5,
  async run(stack, { seconds, quick, say }): Promise<Report> {
    const runs = quick ? 1 : 3;
    say("adjust: filling a shop");
    const shop = await openBenchShop(stack.sql, { skus: SKUS, onHand: IN_STOCK });
    const api = await stack.startApi();
    let accepted = 0;
    const over = (clients: number, skus: number): Promise<Measured> => {
      const requests = shop.skus.slice(0, skus).map(sku => adjustment(shop, sku.variantId));
      return closedLoop({
        ports: [api.port],
        clients,
        seconds,
        next: () => requests[Math.floor(Math.random() * skus)]!,
        onAnswer(answer) {
          if (answer.status !== 200)
            throw new Error(`an adjustment answered ${answer.status}: ${answer.body}`);
          accepted++;
        },
      });
    };
    await over(CLIENTS, SKUS);

    const [ours, limit] = [[] as Measured[], [] as Measured[]];
    for (let i = 0; i < runs; i++) {
      say(`adjust: run ${i + 1} of ${runs}`);
      limit.push(await closedCalls(CLIENTS, seconds, bareUpdate(stack.sql, shop)));
      ours.push(await over(CLIENTS, SKUS));
    }
    const cases: Case[] = [];
    for (const [name, clients, skus] of [
      ["1 client", 1, SKUS],
      [`${CLIENTS} clients, one SKU`, CLIENTS, 1],
    ] as const) {
      cases.push(judged(name, figuresOf([await over(clients, skus)])));
    }
    cases.push({ name: "32 clients", ...figuresOf([await over(32, SKUS)]) });
    const [figures, bare] = [figuresOf(ours), figuresOf(limit)];
    return {
      runs,
      exact: await addsUp(stack.sql, shop, accepted),
      ours: figures,
      limit: { name: `a bare update, ${CLIENTS} connections`, ...bare },
      ofLimit: round(figures.perSecond / bare.perSecond),
      cases: [judged(`${CLIENTS} clients, ${SKUS} SKUs`, figures), ...cases],
      notes: [`${accepted} adjustments accepted and found in the ledger`],
    };
  },
};

const judged = (name: string, figures: ReturnType<typeof figuresOf>): Case => ({
  name,
  ...figures,
  target: `p95 under ${P95_MS} ms`,
  ok: figures.p95Ms! < P95_MS,
});

function adjustment(shop: BenchShop, variantId: string): string {
  return requestText({
    method: "POST",
    path: "/admin/inventory/adjustments",
    headers: { authorization: `Bearer ${shop.secretKey}` },
    json: { variantId, delta: 1, reason: "count" },
  });
}

/** Leaves stock as it is, so that only adjustments count. */
function bareUpdate(sql: Db, { storeId, skus }: BenchShop) {
  return () => {
    const { variantId } = skus[Math.floor(Math.random() * skus.length)]!;
    return sql`
      UPDATE inventory.level SET version = version + 1, updated_at = now()
      WHERE store_id = ${storeId} AND variant_id = ${variantId} AND on_hand >= reserved`;
  };
}

/** Every accepted one is in the stock, in the ledger and in the audit log. */
async function addsUp(sql: Db, { storeId }: BenchShop, accepted: number): Promise<boolean> {
  const [row] = await sql`
    SELECT (SELECT sum(on_hand)::bigint FROM inventory.level WHERE store_id = ${storeId}) AS stock,
           (SELECT count(*) FROM inventory.adjustment WHERE store_id = ${storeId} AND reason = 'count') AS ledger,
           (SELECT count(*) FROM audit.entry WHERE store_id = ${storeId} AND action = 'adjust') AS audit`;
  return row!.stock === SKUS * IN_STOCK + accepted && row!.ledger === accepted && row!.audit === accepted;
}
