import { afterEach, beforeEach, expect, test } from "bun:test";
import { type FreshDatabase, freshDatabase } from "../testing/index.ts";
import { type Finding, listAlerts, noteAlerts, tellAlerts } from "./index.ts";

let database: FreshDatabase;
let closers: (() => unknown)[] = [];
beforeEach(async () => {
  database = await freshDatabase();
});
afterEach(async () => {
  for (const close of closers) close();
  closers = [];
  await database.drop();
});

const finding = (more: Partial<Finding> = {}): Finding => ({
  rule: "DeadLetters",
  subject: "email.send",
  severity: "warning",
  summary: "2 dead letters",
  value: 2,
  forMs: 0,
  ...more,
});
const note = (findings: Finding[], quietMs = 0) => noteAlerts(database.sql, findings, quietMs);
const states = async () => (await listAlerts(database.sql, { limit: 100 })).items.map(one => one.state);

test("an alert fires when it has held for long enough, says what is so now, and is resolved when it is over", async () => {
  await note([finding({ forMs: 60_000 })]);
  expect(await states()).toEqual(["pending"]);
  await database.sql`UPDATE platform.alert SET since = now() - interval '61 seconds'`;
  await note([finding({ forMs: 60_000, value: 7, summary: "7 dead letters" })]);
  const { items } = await listAlerts(database.sql, { limit: 100, state: "firing" });
  expect(items).toMatchObject([{ value: 7, summary: "7 dead letters", resolvedAt: null }]);
  expect(items[0]!.firedAt).toBeInstanceOf(Date);
  await note([], 60_000);
  expect(await states()).toEqual(["firing"]);
  await note([]);
  expect(await states()).toEqual(["resolved"]);
  await note([finding()]);
  expect(await states()).toEqual(["firing", "resolved"]);
});

test("what never held for long enough leaves nothing behind", async () => {
  await note([finding({ forMs: 60_000 })]);
  await note([]);
  expect(await states()).toEqual([]);
});

test("any number of evaluations at once make one alert for each rule and subject", async () => {
  const findings = ["email.send", "stock.commit", ""].map(subject => finding({ subject }));
  await Promise.all(Array.from({ length: 8 }, () => note(findings.toReversed(), 60_000)));
  expect(await states()).toEqual(["firing", "firing", "firing"]);
});

test("pages go through all, and a made-up cursor is refused", async () => {
  await note(Array.from({ length: 7 }, (_, n) => finding({ subject: `kind.${n}` })));
  const first = await listAlerts(database.sql, { limit: 5 });
  const rest = await listAlerts(database.sql, { limit: 5, cursor: first.nextCursor! });
  expect(new Set([...first.items, ...rest.items].map(one => one.subject)).size).toBe(7);
  expect(rest.nextCursor).toBeNull();
  await expect(listAlerts(database.sql, { limit: 5, cursor: "'; DROP TABLE" })).rejects.toMatchObject({
    status: 422,
  });
});

test("the webhook is told of each change, and again until it has answered", async () => {
  const bodies: { status: string; alerts: { status: string; labels: Record<string, string> }[] }[] = [];
  let status = 503;
  const receiver = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      bodies.push((await request.json()) as never);
      return new Response(null, { status });
    },
  });
  closers.push(() => receiver.stop(true));
  const webhook = { url: `${receiver.url}`, allowPrivate: true };
  await note([finding(), finding({ subject: "later", forMs: 60_000 })], 60_000);
  await expect(tellAlerts(database.sql, webhook)).rejects.toThrow("503");
  status = 200;
  expect(await tellAlerts(database.sql, webhook)).toBe(1);
  expect(await tellAlerts(database.sql, webhook)).toBe(0);
  await note([]);
  expect(await tellAlerts(database.sql, webhook)).toBe(1);
  expect(bodies.map(body => [body.status, body.alerts.map(one => [one.status, one.labels.subject])])).toEqual(
    [
      ["firing", [["firing", "email.send"]]],
      ["firing", [["firing", "email.send"]]],
      ["resolved", [["resolved", "email.send"]]],
    ],
  );
  await expect(tellAlerts(database.sql, { ...webhook, allowPrivate: false })).resolves.toBe(0);
});
