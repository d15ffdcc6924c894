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
import { figuresOf, type Measured, round } from "../stats.ts";

const CLIENTS = 64;
const LEAST = 0.8;

export const enqueueScenario: Scenario = {
  name: "enqueue",
  about: "jobs accepted over HTTP, beside a bare route with one awaited publish",
  seconds: 8,
  async run(stack, { seconds, quick, say }) {
    const runs = quick ? 1 : 3;
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
      json: { kind: "drill.noop.low", payload: {} },
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
    await load(bare.port, limitRequest, 1);
    await load(api.port, request, 2);
    const limits: Measured[] = [];
    const ours: Measured[] = [];
    for (let i = 0; i < runs; i++) {
      say(`enqueue: run ${i + 1} of ${runs}`);
      limits.push(await load(bare.port, limitRequest, seconds));
      ours.push(await load(api.port, request, seconds));
    }
    const [row] = await stack.sql<{ count: number }[]>`
      SELECT count(DISTINCT id)::int AS count FROM bus.outbox WHERE kind = 'drill.noop.low' AND attempt = 1`;
    const figures = figuresOf(ours);
    const limit = figuresOf(limits);
    const ofLimit = round(figures.perSecond / limit.perSecond);
    return {
      runs,
      exact: row!.count === accepted,
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
};
