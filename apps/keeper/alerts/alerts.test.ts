import { afterEach, expect, test } from "bun:test";
import { openLeadership } from "../../../bus/index.ts";
import { listAlerts } from "../../../platform/alerts/index.ts";
import { silentLog } from "../../../platform/log.ts";
import { freshDatabase } from "../../../platform/testing/index.ts";
import { alertChores } from "./index.ts";
import type { Metric } from "./series.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

test("one keeper evaluates, another goes on where it dies, and the alert stays one", async () => {
  const { sql, url, drop } = await freshDatabase();
  closers.push(drop);
  const letters: Metric = {
    name: "tradewind_dead_letters_open",
    type: "gauge",
    values: [{ value: 3, labels: { process: "keeper", kind: "email.send" } }],
  };
  const asked: string[] = [];
  const keeper = (name: string) => {
    const leadership = openLeadership({ databaseUrl: url, name: "alerts", holder: name });
    closers.push(() => leadership.close());
    const collectMetrics = async () => {
      asked.push(name);
      return [[letters]];
    };
    const [evaluation] = alertChores({
      bus: { collectMetrics },
      sql,
      log: silentLog,
      leadership,
      webhook: null,
    });
    return { turn: () => evaluation!.run(), leadership };
  };
  const [one, other] = [keeper("one"), keeper("other")];
  for (const { turn } of [one, other, one, other]) await turn();
  expect(asked).toEqual(["one", "one"]);

  await one.leadership.close();
  await other.turn();
  expect(asked).toEqual(["one", "one", "other"]);
  const { items } = await listAlerts(sql, { limit: 10 });
  expect(items).toMatchObject([{ rule: "DeadLetters", subject: "email.send", state: "firing", value: 3 }]);
});
