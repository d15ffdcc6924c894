import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { maximum } from "./maximum.ts";

let server: Bun.Server<undefined>;
const counts = { seen: 0 };

beforeAll(() => {
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: request => {
      counts.seen++;
      const isKnown = new URL(request.url).pathname === "/ok" && request.headers.get("x-key") === "k";
      return new Response("here", { status: isKnown ? 200 : 404 });
    },
  });
});
afterAll(() => server.stop(true));

const load = (path: string) => ({
  port: server.port!,
  path,
  headers: { "x-key": "k" },
  clients: 4,
  seconds: 1,
});

// The second runs where wrk is installed; CI machines may lack it, and then the bench uses its own loop as well.
describe.each([["the own loop", null] as const, ["wrk", Bun.which("wrk")] as const])(
  "the maximum by %s",
  (_, wrk) => {
    test("counts what the server answered, and fails on other statuses", async () => {
      counts.seen = 0;
      const measured = await maximum(load("/ok"), wrk);
      expect(measured.count).toBeGreaterThan(0);
      // wrk leaves the answers that are out at the end uncounted.
      expect(counts.seen - measured.count).toBeWithin(0, 5);
      expect(measured.by).toMatch(wrk ? /^wrk/ : /own loop/);
      expect(maximum(load("/gone"), wrk)).rejects.toThrow("/gone");
    });
  },
);
