import { afterEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { closedLoop } from "./closed.ts";
import { requestText } from "./connection.ts";
import { departures, Punctuality } from "./departures.ts";
import { Histogram, RELATIVE_ERROR } from "./histogram.ts";
import { answeredWith, complaints, type OpenKind, openLoop } from "./open.ts";

describe("the histogram", () => {
  test("tells percentiles never too low, and too high by its error at most", () => {
    const durations = fc.array(fc.double({ min: 0, max: 3_600_000, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(durations, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, share) => {
        const histogram = new Histogram();
        for (const value of values) histogram.record(value);
        const exact = values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)]!;
        const told = histogram.percentileMs(share);
        expect(told).toBeGreaterThanOrEqual(exact);
        expect(told).toBeLessThanOrEqual(exact * (1 + RELATIVE_ERROR) + 0.001_001);
      }),
    );
  });

  test("is the same whether counted at once or in parts that are added up", () => {
    const [whole, left, right] = [new Histogram(), new Histogram(), new Histogram()];
    for (let i = 1; i <= 1_000; i++) {
      whole.record(i * 1.7);
      (i % 3 ? left : right).record(i * 1.7);
    }
    expect(left.add(right.data()).data()).toEqual(whole.data());
    expect(whole.countAbove(850)).toBeWithin(490, 501);
  });
});

describe("departures", () => {
  const plan = (arrivals: "constant" | "poisson", seed = 1) => [
    ...departures({ perSecond: 500, seconds: 4, arrivals, seed }),
  ];

  test("come at a constant rate, or as a Poisson process that its seed repeats", () => {
    expect(plan("constant")).toHaveLength(2_000);
    expect(plan("constant")[1_999]).toBeCloseTo(3_998);
    const random = plan("poisson");
    // Five standard deviations of a Poisson count of 2,000; the seed is fixed.
    expect(Math.abs(random.length - 2_000)).toBeLessThan(5 * Math.sqrt(2_000));
    expect(plan("poisson")).toEqual(random);
    expect(plan("poisson", 2)).not.toEqual(random);
    const gaps = random.slice(1).map((at, i) => at - random[i]!);
    // Of exponential gaps a share of 1/e is longer than the mean.
    expect(gaps.filter(gap => gap > 2).length / gaps.length).toBeWithin(0.32, 0.42);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0);
  });

  test("that leave late are the generator's fault only while a connection was free", () => {
    const mine = new Punctuality();
    const theirs = new Punctuality();
    for (let i = 0; i < 100; i++) {
      mine.left(i < 5 ? 40 : 0.5, true);
      theirs.left(i < 50 ? 4_000 : 0.5, i >= 50);
    }
    expect(mine.result()).toMatchObject({ behind: true, lateShare: 0.05, maxMs: 40 });
    expect(theirs.result()).toMatchObject({ behind: false, lateShare: 0, maxMs: 0.5 });
  });
});

describe("the open loop", () => {
  let server: Bun.Server<undefined> | undefined;
  afterEach(() => server?.stop(true));

  function serve(answer: (request: Request) => Response | Promise<Response>): number[] {
    server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
    return [server.port!];
  }
  const get = (path: string) => requestText({ method: "GET", path, headers: {} });
  const kind = (name: string, more: Partial<OpenKind> = {}): OpenKind => ({
    name,
    share: 1,
    requests: [get(`/${name}`)],
    expect: [200],
    ...more,
  });

  test("sees a stall in all who would have come in it, where a closed loop sees it once", async () => {
    const STALL_MS = 600;
    let requests = 0;
    const stallAt = (n: number) => {
      requests = 0;
      return async () => {
        if (++requests === n) await Bun.sleep(STALL_MS);
        return new Response("ok");
      };
    };
    const ports = serve(stallAt(20));
    const open = await openLoop({
      ports,
      perSecond: 200,
      seconds: 1,
      arrivals: "constant",
      maxInFlight: 1,
      kinds: [kind("x")],
    });
    expect(open).toMatchObject({ intended: 200, sent: 200, answered: 200, whole: true });
    // 200 a second for the first 400 ms of the stall are 80 that wait 200 ms or more: a slow machine makes it more.
    expect(open.all.countAbove(200)).toBeGreaterThanOrEqual(79);
    expect(open.all.maxMs).toBeGreaterThanOrEqual(STALL_MS);

    server!.reload({ fetch: stallAt(20) });
    let left = 200;
    const closed = await closedLoop({
      ports,
      clients: 1,
      seconds: 30,
      next: () => (left-- > 0 ? get("/x") : undefined),
      onAnswer: () => {},
    });
    const stalled = closed.latenciesMs.filter(ms => ms >= 200);
    expect(stalled.length).toBeWithin(1, 20);
  });

  test("mixes kinds by share, sends what is for once only once, and counts what it did not expect", async () => {
    const seen = new Map<string, number>();
    const ports = serve(request => {
      const path = new URL(request.url).pathname;
      seen.set(path, (seen.get(path) ?? 0) + 1);
      const big = new Response("x".repeat(300_000));
      return path === "/bad" ? new Response("no", { status: 418 }) : path === "/big" ? big : streamed();
    });
    const once = Array.from({ length: 40 }, (_, i) => get(`/once-${i}`));
    const result = await openLoop({
      ports,
      perSecond: 1_000,
      seconds: 0.4,
      maxInFlight: 16,
      kinds: [kind("big", { share: 5 }), kind("bad"), kind("once", { share: 4, requests: once, once: true })],
    });
    const [big, bad, single] = result.kinds;
    expect([big!.count, bad!.count]).toEqual([seen.get("/big")!, seen.get("/bad")!]);
    expect(big!.count).toBeGreaterThan(bad!.count * 2);
    expect([...seen].filter(([path, n]) => path.startsWith("/once") && n !== 1)).toEqual([]);
    expect(single).toMatchObject({ count: 40, unexpected: 0 });
    expect(result.intended).toBe(result.sent + single!.missing);
    expect(answeredWith(result, "bad", 418, 0)).toBe(bad!.unexpected);
    expect(complaints(result).join()).toContain("418");
    expect(result.whole).toBe(false);
  });

  test("counts a connection that ends before the answer, and goes on with another", async () => {
    let count = 0;
    const cut = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data(socket) {
          if (++count % 10 === 0) socket.end();
          else socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        },
      },
    });
    const result = await openLoop({
      ports: [cut.port],
      perSecond: 500,
      seconds: 0.2,
      arrivals: "constant",
      maxInFlight: 2,
      kinds: [kind("x")],
    });
    cut.stop(true);
    expect(result.kinds[0]!.statuses).toEqual({ 0: 10, 200: 90 });
  });
});

/** A body of unknown length, sent in chunks. */
function streamed(): Response {
  return new Response(
    new ReadableStream({
      async pull(controller) {
        controller.enqueue("one");
        controller.enqueue("two");
        controller.close();
      },
    }),
  );
}
