import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestApi, testApi } from "../api/testing.ts";
import { commands } from "./commands/index.ts";
import { namesOf, watchable } from "./commands/watch.ts";
import { type LineOptions, runLine } from "./testing.ts";

let home: string;
let api: TestApi;
let server: Bun.Server<undefined>;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "cli-watch-"));
  api = await testApi({ nats: true });
  server = Bun.serve({ port: 0, fetch: request => api.app.fetch(request) });
  const stack = { api: server.url.origin, nodes: [server.url.origin], keys: api.keys };
  await Bun.write(join(home, "stack.json"), JSON.stringify(stack));
});
afterAll(async () => {
  await server.stop(true);
  await api.close();
  await rm(home, { recursive: true });
});

const watch = (line: string, { env, tty }: LineOptions = {}) =>
  runLine(line, { env: { TRADEWIND_HOME: home, ...env }, tty });

test("views of a command follow one another, each drawn over the last on a terminal", async () => {
  const piped = await watch("watch --every 1 --times 2");
  expect([piped.code, piped.err]).toEqual([0, ""]);
  expect(piped.out.match(/^tradewind status {2}· /gm)).toHaveLength(2);
  expect(piped.out).toContain("stock.commit");
  expect(piped.out).not.toContain("\x1b");
  const drawn = await watch("watch --times 1 pools", { tty: true });
  expect(drawn.out).toStartWith("\x1b[H");
  expect(drawn.out).toContain("tradewind pools");
});

test("as JSON each view is one line, and options of the command stand after --", async () => {
  const { code, out } = await watch("watch --json --times 1 -- jobs find --kind email.send");
  expect([
    code,
    out
      .trimEnd()
      .split("\n")
      .map(line => JSON.parse(line)),
  ]).toEqual([0, [{ items: [], nextCursor: null }]]);
});

test("what does not answer is told in the place of the view, and watching goes on", async () => {
  const env = { TRADEWIND_API: "http://127.0.0.1:1" };
  const gone = await watch("watch --every 1 --times 2 --json pools", { env });
  expect(gone.code).toBe(0);
  const codes = gone.out
    .trimEnd()
    .split("\n")
    .map(line => JSON.parse(line).error.code);
  expect(codes).toEqual(["unreachable", "unreachable"]);
});

test.each([
  ["watch pools scale high 2", "can't be watched"],
  ["watch nothing", "can't be watched"],
  ["watch watch", "can't be watched"],
  ["watch --every 0", "--every must be"],
  ["watch -- jobs find --kin x", "Unknown option '--kin'"],
])("`%s` is refused", async (line, message) => {
  const { code, err, out } = await watch(line);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain(message);
});

test("every command that can be watched exists", () => {
  expect(namesOf(commands)).toEqual([...watchable]);
});
