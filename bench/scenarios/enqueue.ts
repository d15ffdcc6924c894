/**
 * `POST /ops/jobs` until the job is accepted for good: checked against its schema, committed with its outbox row, answered
 * 202. The limit: a bare Elysia route that awaits one JetStream publish. Both by 64 clients in a closed loop.
 *
 * Exact: one row waits for each 202. No keeper runs meanwhile: relaying is work of another time.
 */
import { createKey } from "../../commerce/stores/index.ts";
import { closedLoop } from "../load/closed.ts";
import { requestText } from "../load/connection.ts";
import type { Report, Scenario } from "../scenario.ts";
import type { BenchStack } from "../stack.ts";
import { figuresOf, type Measured, ratioOf, round } from "../stats.ts";

const CLIENTS = 64;
const KIND = "drill.noop.low";
const LEAST = 0.8;

export const enqueueScenario: Scenario = {
  name: "enqueue",
  about: "jobs accepted over HTTP, beside a bare route with one awaited publish",
  seconds: 8,
  async run(stack, { seconds, quick, say }) {
    const runs = quick ? 1 : 3;
    const desk = await openDesk(stack);
    const limits: Measured[] = [];
    const ours: Measured[] = [];
    for (let i = 0; i < runs; i++) {
      say(`enqueue: run ${i + 1} of ${runs}`);
      limits.push(await desk.publish(seconds));
      ours.push(await desk.accept(seconds));
    }
    const figures = figuresOf(ours);
    const limit = figuresOf(limits);
    const ofLimit = round(figures.perSecond / limit.perSecond);
    return {
      runs,
      exact: await desk.isExact(),
      ours: figures,
      limit: { name: "Elysia route with one awaited JetStream publish", ...limit },
      ofLimit,
      cases: [
        {
          name: `${CLIENTS} clients`,
          ...figures,
          ofLimit,
          target: `${LEAST} of the limit`,
          ok: ofLimit >= LEAST,
        },
      ],
    } satisfies Report;
  },
  ratio: {
    bar: LEAST,
    async measure(stack, seconds) {
      const desk = await openDesk(stack);
      const ratio = await ratioOf(
        () => desk.accept(seconds),
        () => desk.publish(seconds),
      );
      if (!(await desk.isExact())) throw new Error("enqueue: not every accepted job has one row");
      await desk.close();
      return ratio;
    },
  },
};

/** Both servers, warm. */
async function openDesk(stack: BenchStack) {
  const { key } = await createKey(stack.sql, { kind: "ops", storeId: null, name: "bench" });
  const api = await stack.startApi();
  const bare = await stack.startServer("bench/servers/enqueue.ts");
  const limitRequest = requestText({
    method: "POST",
    path: "/enqueue",
    headers: {},
    json: { payment: { provider: "test", token: "ok" } },
  });
  const request = requestText({
    method: "POST",
    path: "/ops/jobs",
    headers: { authorization: `Bearer ${key}` },
    json: { kind: KIND, payload: {} },
  });
  let accepted = 0;
  const load = (port: number, text: string, length: number): Promise<Measured> =>
    closedLoop({
      ports: [port],
      clients: CLIENTS,
      seconds: length,
      next: () => text,
      onAnswer({ status, body }) {
        if (status !== 202) throw new Error(`answered ${status}: ${body}`);
        if (port === api.port) accepted++;
      },
    });
  const publish = (seconds: number) => load(bare.port, limitRequest, seconds);
  const accept = (seconds: number) => load(api.port, request, seconds);
  await publish(1);
  await accept(2);
  return {
    publish,
    accept,
    async isExact(): Promise<boolean> {
      const [row] = await stack.sql<{ count: number }[]>`
        SELECT count(DISTINCT id)::int AS count FROM bus.outbox WHERE kind = ${KIND} AND attempt = 1`;
      return row!.count === accepted;
    },
    async close() {
      await Promise.all([api.stop(), bare.stop()]);
      await stack.sql`DELETE FROM bus.outbox WHERE kind = ${KIND}`;
    },
  };
}
