import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { upsertProducts } from "../../commerce/catalog/index.ts";
import { setPrices } from "../../commerce/pricing/index.ts";
import { rebuildNow, searchSources } from "../../commerce/storefront/index.ts";
import { transaction } from "../../platform/postgres/index.ts";
import { indexProducts } from "../../search/index.ts";
import { type TestApi, testApi } from "../api/testing.ts";
import { runLine } from "./testing.ts";

setDefaultTimeout(30_000);

let home: string;
let api: TestApi;
let server: Bun.Server<undefined>;
/** Answers in the place of the API where it gives one. */
let instead: (path: string) => Response | undefined = () => undefined;
let asked: { path: string; authorization: string | null }[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "journey-"));
  api = await testApi();
  await stock(5);
  instead = () => undefined;
  asked = [];
  server = Bun.serve({
    port: 0,
    fetch(request) {
      const path = new URL(request.url).pathname;
      asked.push({ path, authorization: request.headers.get("authorization") });
      return instead(path) ?? api.app.fetch(request);
    },
  });
  await Bun.write(join(home, "stack.json"), JSON.stringify({ api: server.url.origin, keys: api.keys }));
});

afterEach(async () => {
  await server.stop(true);
  await api.close();
  await rm(home, { recursive: true });
});

async function stock(onHand: number): Promise<void> {
  const ids = await transaction(api.sql, async tx => {
    const { variants } = await upsertProducts(tx, api.store.id, [
      {
        ref: 0,
        handle: "lantern",
        title: "Lantern",
        status: "active",
        variants: [{ ref: 0, optionValues: [], sku: "L" }],
      },
    ]);
    await setPrices(tx, api.store.id, "EUR", [{ ...variants[0]!, amountMinor: 900, compareAtMinor: null }]);
    const rows = [{ ...variants[0]!, onHand }];
    await tx`SELECT inventory.set_initial(${api.store.id}, ${tx.json(rows as never)}, 'new', 'test')`;
    return variants.map(one => one.productId);
  });
  await rebuildNow(api.sql, api.store.id);
  await indexProducts({ sql: api.sql, engine: null, products: searchSources }, api.store.id, ids);
}

const cli = (line: string, env: Record<string, string> = {}) =>
  runLine(line, { env: { TRADEWIND_HOME: home, ...env } });
const names = (journey: { steps: { name: string }[] }) => journey.steps.map(step => step.name).join(" ");
const orders = () => api.sql<{ status: string }[]>`SELECT status FROM orders.order`;

describe("a journey", () => {
  test("browses, buys, and puts back what it bought", async () => {
    const { code, out } = await cli("journey --json");
    const journey = JSON.parse(out);
    expect([code, journey.ok, journey.skipped]).toEqual([0, true, null]);
    expect(names(journey)).toBe("list product search payments cart line address checkout order cancel");
    expect(journey.steps.every((step: { ms: number }) => step.ms >= 0)).toBe(true);
    expect([...(await orders())]).toEqual([{ status: "cancelled" }]);
    const [level] = await api.sql`SELECT on_hand - reserved AS left FROM inventory.level`;
    expect(Number(level!.left)).toBe(5);
  });

  test("only browses where it is told to, or where no test payments are taken", async () => {
    expect((await cli("journey --browse")).out).toContain("nothing bought: browse only");
    const errors = [{ path: "payment.provider", message: "is not set up in this deployment" }];
    instead = path =>
      path.endsWith("/checkout") ? Response.json({ status: 422, errors }, { status: 422 }) : undefined;
    const { code, out } = await cli("journey");
    expect([code, out.includes("takes no test payments")]).toEqual([0, true]);
    expect(asked.map(one => one.path)).not.toContain("/store/carts");
  });

  test("ends at the step that fails, with exit code 1", async () => {
    instead = path =>
      path === "/store/search" ? Response.json({ title: "Gone" }, { status: 503 }) : undefined;
    const failed = await cli("journey --json");
    expect(failed.code).toBe(1);
    expect(JSON.parse(failed.out)).toMatchObject({
      ok: false,
      failed: { step: "search", error: expect.stringContaining("503: Gone") },
      orderId: null,
    });
    expect((await cli("journey")).out).toMatch(/^FAILED[\s\S]*search {2,}GET/);
    expect((await cli("journey --url http://127.0.0.1:1")).out).toContain("can't be reached");
  });

  test("is made again and again, one line of JSON each", async () => {
    const lines = (await cli("journey --browse --every 1s --times 2 --json")).out.trim().split("\n");
    expect(lines.map(line => JSON.parse(line).ok)).toEqual([true, true]);
    const [first, second] = lines.map(line => Date.parse(JSON.parse(line).at));
    expect(second! - first!).toBeGreaterThanOrEqual(1_000);
  });

  test("sends the stack's secret key nowhere but to the stack", async () => {
    const { code, out } = await cli(`journey --url ${server.url.origin} --json`);
    expect([code, names(JSON.parse(out)).endsWith("order")]).toEqual([0, true]);
    expect(asked.filter(one => one.authorization !== null)).toEqual([]);
  });
});
