/** Orders of the back office over HTTP: cancel, refund, fulfil, timeline, lists, events; with bad input. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type AdminShop, type Json, openAdminShop } from "./shop.fixture.ts";

let shop: AdminShop;
beforeAll(async () => {
  shop = await openAdminShop([1_000, 1_000]);
});
afterAll(() => shop.close());

const post = (order: Json, action: string, json?: unknown, headers?: Record<string, string>) =>
  shop.call("POST", `/admin/orders/${order.id}/${action}`, {
    ...(json === undefined ? {} : { json }),
    ...(headers ? { headers } : {}),
  });

describe("an order over HTTP", () => {
  test("is cancelled, once, also without a body", async () => {
    const order = await shop.order([[0, 2]]);
    const headers = { "idempotency-key": "cancel-1" };
    const cancelled = await post(order, "cancel", undefined, headers);
    expect(cancelled).toMatchObject({ status: 200, body: { status: "cancelled", paymentStatus: "voided" } });
    expect(cancelled.headers.get("idempotency-replayed")).toBeNull();
    const again = await post(order, "cancel", undefined, headers);
    expect(again).toMatchObject({ status: 200, body: { status: "cancelled" } });
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(await post(order, "cancel", { reason: "again" })).toMatchObject({
      status: 409,
      body: { code: "order_state" },
    });
    const read = await shop.call("GET", `/store/orders/${order.id}`);
    expect(read.body).toEqual(cancelled.body);
    expect(read.body.cancelledAt).not.toBeNull();
  });

  test("is sent in parts and refunded by line; buyer and merchant see it", async () => {
    const order = await shop.order([
      [0, 2],
      [1, 1],
    ]);
    const line = { variantId: shop.variants[0], quantity: 1 };
    const sent = await post(order, "fulfilments", { lines: [line], carrier: "Post", trackingNumber: "T-1" });
    expect(sent).toMatchObject({
      status: 201,
      body: { fulfilmentStatus: "partial", paymentStatus: "captured" },
    });
    const refunded = await post(order, "refunds", { lines: [{ ...line, restock: true }], reason: "broken" });
    expect(refunded).toMatchObject({
      status: 201,
      body: { refundedMinor: 1_000, paymentStatus: "partially_refunded" },
    });
    const seen = (await shop.call("GET", `/store/orders/${order.id}`)).body;
    expect(seen).toMatchObject({
      fulfilments: [{ status: "done", carrier: "Post", trackingNumber: "T-1", lines: [line] }],
      refunds: [
        { status: "done", amountMinor: 1_000, goodsMinor: 1_000, lines: [{ ...line, restock: true }] },
      ],
    });
    const timeline = await shop.call("GET", `/admin/orders/${order.id}/timeline?limit=2`);
    expect(timeline.body.items.map((one: Json) => one.type)).toEqual([
      "order.created",
      "order.placed",
      "payment.captured",
      "fulfilment.done",
    ]);
    const rest = await shop.call(
      "GET",
      `/admin/orders/${order.id}/timeline?cursor=${timeline.body.nextCursor}`,
    );
    expect(rest.body.items).toMatchObject([
      { type: "refund.requested", data: { amountMinor: 1_000, reason: "broken" } },
      { type: "refund.done" },
    ]);
    const audit = await shop.call("GET", `/admin/audit?entity=order&entityId=${order.id}`);
    expect(audit.body.items.map((one: Json) => one.action)).toEqual(["refund", "fulfil"]);
  });

  test("tells its life as events until it is at rest", async () => {
    const order = await shop.order([[0, 1]]);
    const response = await shop.api.request("GET", `/store/orders/${order.id}/events`, {
      key: shop.api.keys.publishable,
    });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const reader = response.body!.getReader();
    let text = "";
    const readUntil = async (word: string) => {
      while (!text.includes(word)) {
        const { value, done } = await reader.read();
        if (done) return;
        text += new TextDecoder().decode(value);
      }
    };
    await readUntil('"status":"placed"');
    await post(order, "fulfilments");
    await readUntil('"status":"completed"');
    expect((await reader.read()).done).toBe(true);
    const missing = await shop.call("GET", `/store/orders/${order.id.slice(0, -3)}abc/events`);
    expect(missing.status).toBe(404);
  });

  test("of another store is not there", async () => {
    const order = await shop.order([[0, 1]]);
    const key = shop.other.secret;
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/timeline"],
      ["POST", "/cancel"],
      ["POST", "/refunds"],
      ["POST", "/fulfilments"],
    ] as const) {
      expect((await shop.call(method, `/admin/orders/${order.id}${path}`, { key })).status).toBe(404);
    }
    const events = `/store/orders/${order.id}/events`;
    expect((await shop.call("GET", events, { key: shop.other.publishable })).status).toBe(404);
  });

  test("is found by status, mail, number and time", async () => {
    const order = await shop.order([[1, 1]]);
    const find = async (query: string) =>
      (await shop.call("GET", `/admin/orders?limit=100&${query}`)).body.items.map((one: Json) => one.id);
    expect(await find(`number=${order.number}`)).toEqual([order.id]);
    expect(await find("email=buyer@shop.example&paymentStatus=authorised")).toContain(order.id);
    expect(await find("email=nobody@shop.example")).toEqual([]);
    expect(await find("fulfilmentStatus=fulfilled")).not.toContain(order.id);
    expect(await find(`from=${order.createdAt}`)).toContain(order.id);
    expect(await find(`until=${new Date(Date.parse(order.createdAt) - 1_000).toISOString()}`)).not.toContain(
      order.id,
    );
  });
});

describe("bad input", () => {
  const line = { variantId: "var_00000000000000000000000000", quantity: 1 };
  const refused: [action: string, json: unknown, status: number, path: string | null][] = [
    ["refunds", { lines: [] }, 422, "lines"],
    ["refunds", { lines: [{ ...line, quantity: 0 }] }, 422, "lines.0.quantity"],
    ["refunds", { lines: [{ ...line, quantity: -1 }] }, 422, "lines.0.quantity"],
    ["refunds", { lines: [{ ...line, quantity: 1.5 }] }, 422, "lines.0.quantity"],
    ["refunds", { lines: [{ ...line, quantity: "1" }] }, 422, "lines.0.quantity"],
    ["refunds", { lines: [{ ...line, quantity: 10_000 }] }, 422, "lines.0.quantity"],
    ["refunds", { lines: [{ ...line, restock: "yes" }] }, 422, "lines.0.restock"],
    ["refunds", { lines: [{ ...line, amountMinor: 1 }] }, 422, "lines.0.amountMinor"],
    ["refunds", { lines: Array(201).fill(line) }, 422, "lines"],
    ["refunds", { lines: [line, line] }, 422, "lines.1.variantId"],
    ["refunds", { lines: [line] }, 409, null],
    ["refunds", { amountMinor: 0 }, 422, "amountMinor"],
    ["refunds", { amountMinor: -5 }, 422, "amountMinor"],
    ["refunds", { amountMinor: "5" }, 422, "amountMinor"],
    ["refunds", { amountMinor: null }, 422, "amountMinor"],
    ["refunds", { amountMinor: 1e300 }, 422, "amountMinor"],
    ["refunds", { amountMinor: 1_001 }, 409, null],
    ["refunds", { amountMinor: 5, shipping: true }, 422, "amountMinor"],
    ["refunds", { reason: "x".repeat(300) }, 422, "reason"],
    ["refunds", { reason: "a\u0000b" }, 422, "reason"],
    ["refunds", { currency: "USD" }, 422, "currency"],
    ["cancel", { reason: 5 }, 422, "reason"],
    ["cancel", { status: "cancelled" }, 422, "status"],
    ["fulfilments", { lines: [line] }, 409, null],
    ["fulfilments", { lines: [{ quantity: 1 }] }, 422, "lines.0.variantId"],
    ["fulfilments", { trackingNumber: "" }, 422, "trackingNumber"],
    ["fulfilments", { trackingNumber: "a\nb" }, 422, "trackingNumber"],
  ];
  test("changes nothing and is refused with the path of the fault", async () => {
    const order = await shop.order([[0, 1]]);
    for (const [action, json, status, path] of refused) {
      const answer = await post(order, action, json);
      expect([action, json, answer.status]).toEqual([action, json, status]);
      if (path !== null) expect(answer.body.errors.map((one: Json) => one.path)).toContain(path);
    }
    expect((await shop.call("GET", `/admin/orders/${order.id}`)).body).toEqual(order);
  });

  test("in ids, keys and queries is a 4xx", async () => {
    for (const id of ["x", "ord_bogus", `ord_${"0".repeat(32)}`, "%00", "..%2f"]) {
      expect((await shop.call("POST", `/admin/orders/${id}/cancel`)).status).toBe(404);
    }
    expect((await shop.call("POST", `/admin/orders/${"x".repeat(300)}/cancel`)).status).toBe(422);
    const order = await shop.order([[0, 1]]);
    expect((await post(order, "cancel", undefined, { "idempotency-key": "x".repeat(256) })).status).toBe(400);
    for (const query of [
      "status=gone",
      "paymentStatus=paid",
      "from=yesterday",
      "from=2026-13-45T00:00:00Z",
      "until=2026-01-01T99:00:00Z",
      "until=%2B275761-01-01T00:00:00Z",
      "number=%00",
      "email=x",
      "limit=0",
      "cursor=x",
    ]) {
      expect((await shop.call("GET", `/admin/orders?${query}`)).status).toBe(422);
    }
    expect((await shop.call("GET", `/admin/orders/${order.id}/timeline?cursor=x`)).status).toBe(422);
    const key = { "idempotency-key": "one" };
    expect((await post(order, "refunds", { amountMinor: 1 }, key)).status).toBe(201);
    expect(await post(order, "refunds", { amountMinor: 2 }, key)).toMatchObject({
      status: 422,
      body: { code: "idempotency_key_reused" },
    });
  });
});
