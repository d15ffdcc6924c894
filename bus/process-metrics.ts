/** One answer for a host: each process answers a request on a core NATS subject with its Prometheus values. */
import { hostname } from "node:os";
import type { Metrics } from "../platform/metrics.ts";
import type { Connection } from "./connection.ts";
import { signals } from "./topology.ts";

const WAIT_MS = 300;
const JITTER_MS = 50;
const MAX_PROCESSES = 512;

/** Makes this process answer {@link collectMetrics}. */
export function answerMetrics(connection: Connection, metrics: Metrics): void {
  connection.nc.subscribe(signals.metrics(subjectHost()), {
    callback: (error, msg) => {
      if (error) return;
      void metrics.registry.getMetricsAsJSON().then(values => msg.respond(JSON.stringify(values)));
    },
  });
}

/** The values of all processes of this host that answer in time; the caller's own among them if it answers too. */
export async function collectMetrics(connection: Connection): Promise<unknown[][]> {
  const answers: unknown[][] = [];
  const replies = await connection.nc.requestMany(signals.metrics(subjectHost()), "", {
    strategy: "timer" as never,
    maxWait: WAIT_MS,
    jitter: JITTER_MS,
    maxMessages: MAX_PROCESSES,
  });
  for await (const reply of replies) answers.push(reply.json<unknown[]>());
  return answers;
}

function subjectHost(): string {
  return hostname().replaceAll(/[^\w-]/g, "-");
}
