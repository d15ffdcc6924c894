/** Each process answers a request on core NATS subjects, its host's and the cluster's, with its Prometheus values. */
import { hostname } from "node:os";
import type { Metrics } from "../platform/metrics.ts";
import type { Connection } from "./connection.ts";
import { signals } from "./topology.ts";

const WAIT_MS = 300;
const JITTER_MS = 50;
const MAX_PROCESSES = 512;

/** Makes this process answer {@link collectMetrics}. */
export function answerMetrics(connection: Connection, metrics: Metrics): void {
  for (const subject of [signals.metrics(subjectHost()), signals.allMetrics]) {
    connection.nc.subscribe(subject, {
      callback: (error, msg) => {
        if (error) return;
        void metrics.registry.getMetricsAsJSON().then(values => msg.respond(JSON.stringify(values)));
      },
    });
  }
}

/** Whose metrics: this host's, as its own scrape target, or everybody's. */
export type MetricsScope = "host" | "cluster";

/** The values of all processes there that answer in time; the caller's own among them if it answers too. */
export async function collectMetrics(connection: Connection, scope: MetricsScope): Promise<unknown[][]> {
  const answers: unknown[][] = [];
  const subject = scope === "host" ? signals.metrics(subjectHost()) : signals.allMetrics;
  const replies = await connection.nc.requestMany(subject, "", {
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
