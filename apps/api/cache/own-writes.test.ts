/** What customers see of themselves, and stock that orders take: the node that takes a write never shows what was before. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { until } from "../../../platform/testing/index.ts";
import { redisOf } from "../http/per-node.ts";
import { openShopFront, PASSWORD, type ShopFront } from "../routes/store/customers.fixture.ts";
import { buy, onSale } from "../routes/store/till.fixture.ts";
import { call, deafNode, type Node, nodeOf, type Shown } from "./staleness.fixture.ts";

// Passwords are dear to hash on a machine that does other things too.
setDefaultTimeout(60_000);

const ORDERS = 25;
const READERS = 4;
const FAR_MS = 30_000;

let shop: ShopFront;
/** Two nodes that share Redis and a database; nothing comes from one to the other but by these. */
let nodes: readonly [Node, Node];

beforeAll(async () => {
  shop = await openShopFront();
  nodes = [nodeOf(shop.api.deps, shop.api.app), deafNode(shop.api)];
});
afterAll(async () => {
  await nodes[1].stop();
  await shop.close();
});

type Sent = { json?: unknown; headers?: Record<string, string> };

/** As a shop front sends it. */
async function ask(node: Node, method: string, path: string, { json, headers }: Sent = {}) {
  const all: Record<string, string> = { "x-publishable-key": shop.api.keys.publishable, ...headers };
  if (json !== undefined) all["content-type"] = "application/json";
  const body = json === undefined ? null : JSON.stringify(json);
  return node.fetch(new Request(`http://localhost${path}`, { method, body, headers: all }));
}

const profile = (node: Node, headers: Record<string, string>) =>
  ask(node, "GET", "/store/customers/me", { headers });
const nameOn = async (node: Node, headers: Record<string, string>) => {
  const answer = await profile(node, headers);
  return answer.status === 200 ? ((await answer.json()) as { name: string | null }).name : answer.status;
};
const rename = (node: Node, headers: Record<string, string>, name: string) =>
  ask(node, "PATCH", "/store/customers/me", { headers, json: { name } });

async function remembered(node: Node, headers: Record<string, string>): Promise<Response> {
  return until(async () => {
    const answer = await profile(node, headers);
    return answer.headers.get("x-cache") === "HIT" && answer;
  });
}

describe("a profile", () => {
  test("is given again, to its customer alone, and kept by nobody else", async () => {
    const [ada, bob] = [await shop.member(), await shop.member()];
    const again = await remembered(nodes[0], ada.headers);
    expect(again.headers.get("cache-control")).toBe("private, no-cache");
    expect(again.headers.get("vary")).toStartWith("authorization, cookie");
    expect(again.headers.get("surrogate-key")).toBeNull();
    expect(await again.json()).toMatchObject({ email: ada.email });
    const etag = again.headers.get("etag")!;
    const unchanged = await profile(nodes[0], { ...ada.headers, "if-none-match": etag });
    expect(unchanged.status).toBe(304);
    expect((await profile(nodes[0], {})).status).toBe(401);
    const others = await profile(nodes[0], { ...bob.headers, "if-none-match": etag });
    expect([others.status, ((await others.json()) as { email: string }).email]).toEqual([200, bob.email]);
    const keys = await redisOf(shop.api.deps).attempt(redis => redis.keys(`*${ada.id}*`));
    expect(keys).toEqual([]);
  });

  test("shows at once what was changed on the node, and soon on another", async () => {
    const ada = await shop.member();
    for (const name of ["Ada", "Ada L.", "Countess"]) {
      for (const node of nodes) await remembered(node, ada.headers);
      expect((await rename(nodes[0], ada.headers, name)).status).toBe(200);
      expect(await nameOn(nodes[0], ada.headers)).toBe(name);
      await until(async () => (await nameOn(nodes[1], ada.headers)) === name, { timeoutMs: FAR_MS });
    }
  });

  test("is gone with its customer, on all nodes", async () => {
    const ada = await shop.member();
    for (const node of nodes) await remembered(node, ada.headers);
    const erased = await shop.api.request("POST", "/admin/erasures", {
      key: shop.api.keys.secret,
      json: { customerId: ada.id },
    });
    expect(erased.status).toBe(202);
    for (const node of nodes) expect((await profile(node, ada.headers)).status).toBe(401);
  });

  test("that was being read while it changed is not put back", async () => {
    const ada = await shop.member();
    await remembered(nodes[0], ada.headers);
    let written = 0;
    let isOver = false;
    const faults: string[] = [];
    const reader = async () => {
      while (!isOver) {
        const least = written;
        const shown = Number(await nameOn(nodes[0], ada.headers));
        if (shown < least) faults.push(`${shown} after ${least}`);
      }
    };
    await rename(nodes[0], ada.headers, "0");
    const readers = Array.from({ length: READERS }, reader);
    for (let n = 1; n <= ORDERS; n++) {
      expect((await rename(nodes[0], ada.headers, String(n))).status).toBe(200);
      written = n;
    }
    isOver = true;
    await Promise.all(readers);
    expect(faults).toEqual([]);
  });

  test("follows a new password that was set by mail", async () => {
    const ada = await shop.member();
    await remembered(nodes[0], ada.headers);
    const json = { password: "another good password", currentPassword: PASSWORD };
    const changed = await ask(nodes[0], "PATCH", "/store/customers/me", { headers: ada.headers, json });
    expect(changed.status).toBe(200);
    expect((await profile(nodes[0], ada.headers)).status).toBe(401);
    const { session, updatedAt } = (await changed.json()) as {
      session: { token: string };
      updatedAt: string;
    };
    const anew = await profile(nodes[0], { authorization: `Bearer ${session.token}` });
    expect(await anew.json()).toMatchObject({ updatedAt });
  });
});

const order = (node: Node, variantId: string, token = "ok") =>
  buy((method, path, sent) => ask(node, method, path, sent), { variantId, quantity: 1, token });

const availableOn = async (node: Node, id: string) =>
  ((await (await ask(node, "GET", `/store/products/${id}`)).json()) as Shown).variants[0]!.available;

describe("an order", () => {
  test("shows in the stock that its node shows, whoever reads meanwhile, and soon on another", async () => {
    const { id, variantId } = await onSale({ api: shop.api }, "Mug", 900, ORDERS);
    const [node, other] = nodes;
    let least = ORDERS;
    let isOver = false;
    const faults: string[] = [];
    const reader = async () => {
      while (!isOver) {
        const most = least;
        const shown = await availableOn(node, id);
        if (shown > most) faults.push(`${shown} are shown after ${most} were left`);
        await Bun.sleep(1);
      }
    };
    const readers = Array.from({ length: READERS }, reader);
    for (let left = ORDERS - 1; left >= 0; left--) {
      expect((await order(node, variantId)).status).toBe(201);
      least = left;
      expect(await availableOn(node, id)).toBe(left);
    }
    isOver = true;
    await Promise.all(readers);
    expect(faults).toEqual([]);
    expect((await order(node, variantId)).status).toBe(409);
    await until(async () => (await availableOn(other, id)) === 0, { timeoutMs: FAR_MS });
  });

  test("that is declined or cancelled gives its stock back in what its node shows", async () => {
    const { id, variantId } = await onSale({ api: shop.api }, "Cup", 900, 5);
    const [node] = nodes;
    expect(await availableOn(node, id)).toBe(5);
    expect((await order(node, variantId, "decline")).status).toBe(402);
    expect(await availableOn(node, id)).toBe(5);
    const placed = (await (await order(node, variantId)).json()) as { id: string };
    expect(await availableOn(node, id)).toBe(4);
    const cancelled = await call(node, "POST", `/admin/orders/${placed.id}/cancel`, shop.api.keys.secret, {});
    expect(cancelled.status).toBe(200);
    expect(await availableOn(node, id)).toBe(5);
  });

  test("whose payment is not answered, and that lapses before it is asked for again, shows so too", async () => {
    const { id, variantId } = await onSale({ api: shop.api }, "Bowl", 900, 5);
    const [first, second] = nodes;
    for (const node of nodes) expect(await availableOn(node, id)).toBe(5);
    let again = () => Promise.resolve(new Response());
    const lost = await buy(
      (method, path, sent) => {
        again = () => ask(second, method, path, sent);
        return ask(first, method, path, sent);
      },
      { variantId, quantity: 1, token: "timeout" },
    );
    expect(lost.status).toBe(504);
    expect(await availableOn(first, id)).toBe(4);
    await until(async () => (await availableOn(second, id)) === 4, { timeoutMs: FAR_MS });
    const { sql } = shop.api;
    await sql`UPDATE inventory.reservation SET expires_at = now() - interval '1 second' WHERE status = 'held' AND expires_at < 'infinity'`;
    await sql`UPDATE checkout.attempt SET lease_until = now() - interval '1 second' WHERE status = 'in_progress'`;
    const late = await again();
    expect([late.status, ((await late.json()) as { code: string }).code]).toEqual([409, "checkout_lapsed"]);
    expect(await availableOn(second, id)).toBe(5);
    await until(async () => (await availableOn(first, id)) === 5, { timeoutMs: FAR_MS });
  });
});
