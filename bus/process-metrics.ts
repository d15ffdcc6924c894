/**
 * Each process answers a request on core NATS subjects, its host's and the cluster's, with its Prometheus values. Who
 * collects waits for those that answered before, so that an idle cluster answers within milliseconds and a busy one
 * completely: a process that is left out of a scrape makes a gap in every one of its series.
 */
import { hostname } from "node:os";
import { createInbox } from "nats";
import type { Metrics } from "../platform/metrics.ts";
import type { Connection } from "./connection.ts";
import { signals } from "./topology.ts";

/** For whom nobody knows yet: processes that have started since. */
const LEAST_MS = 40;
/** When nobody has answered before. */
const FIRST_MS = 500;
/** Beyond it a process is left out, and not waited for until it answers again. */
const PATIENCE_MS = 2_000;

/** Whose metrics: this host's, as its own scrape target, or everybody's. */
export type MetricsScope = "host" | "cluster";

type Answer = { process: string; values: unknown[] };

/** Makes this process answer a {@link MetricsCollector}. */
export function answerMetrics(connection: Connection, metrics: Metrics): void {
  const process = `${subjectHost()}:${globalThis.process.pid}`;
  for (const subject of [signals.metrics(subjectHost()), signals.allMetrics]) {
    connection.nc.subscribe(subject, {
      callback: (error, msg) => {
        if (error) return;
        void metrics.registry
          .getMetricsAsJSON()
          .then(values => msg.respond(packed(JSON.stringify({ process, values } satisfies Answer))));
      },
    });
  }
}

/** A message takes 1 MB. A node that has answered on every route with every status has more to tell than that. */
const MAX_PLAIN = 256 * 1024;

/** Small answers stay JSON, which processes of an older version read too. */
function packed(text: string): string | Uint8Array {
  return text.length <= MAX_PLAIN ? text : Bun.zstdCompressSync(text, { level: 1 });
}

function unpacked(data: Uint8Array): Answer {
  const isPlain = data[0] === "{".charCodeAt(0);
  return JSON.parse(new TextDecoder().decode(isPlain ? data : Bun.zstdDecompressSync(data)));
}

/** The values of all processes there, one list each; the caller's own among them if it answers too. */
export type MetricsCollector = (scope: MetricsScope) => Promise<unknown[][]>;

export function createMetricsCollector(connection: Connection): MetricsCollector {
  const expected: Record<MetricsScope, Set<string>> = { host: new Set(), cluster: new Set() };

  return scope =>
    new Promise(resolve => {
      const { nc } = connection;
      const answers = new Map<string, unknown[]>();
      const inbox = createInbox();
      const startedAtMs = performance.now();
      const missing = new Set(expected[scope]);
      const subscription = nc.subscribe(inbox, {
        callback: (error, msg) => {
          if (error) return;
          const { process, values } = unpacked(msg.data);
          answers.set(process, values);
          missing.delete(process);
          if (missing.size === 0 && performance.now() - startedAtMs > leastMs) finish();
        },
      });
      const leastMs = missing.size === 0 ? FIRST_MS : LEAST_MS;
      const timers = [
        setTimeout(() => missing.size === 0 && finish(), leastMs),
        setTimeout(finish, PATIENCE_MS),
      ];
      function finish(): void {
        for (const timer of timers) clearTimeout(timer);
        subscription.unsubscribe();
        expected[scope] = new Set(answers.keys());
        resolve([...answers.values()]);
      }
      const subject = scope === "host" ? signals.metrics(subjectHost()) : signals.allMetrics;
      nc.publish(subject, "", { reply: inbox });
    });
}

function subjectHost(): string {
  return hostname().replaceAll(/[^\w-]/g, "-");
}
