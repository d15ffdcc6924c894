/** What supervisors, load balancers and Prometheus ask: liveness, readiness, metrics. */
import { Elysia } from "elysia";
import { mergeMetrics } from "../../../platform/metrics.ts";
import type { ApiDeps } from "../deps.ts";
import { authenticate } from "../http/auth.ts";
import { createReadiness, type ReadinessReport } from "../readiness.ts";

const PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

/** JSON with one line a dependency, for people who ask with curl. */
function readinessText(report: ReadinessReport): string {
  const lines = report.dependencies.map(one => `    ${JSON.stringify(one)}`);
  const status = report.ready
    ? "ready"
    : report.draining
      ? "draining"
      : report.warming
        ? "warming"
        : "not_ready";
  return `{\n  "status": "${status}",\n  "dependencies": [\n${lines.join(",\n")}\n  ]\n}\n`;
}

/** A request from this machine itself; one that a local proxy passed on is not. */
function isLocal(deps: ApiDeps, request: Request): boolean {
  const peer = deps.peerOf?.(request);
  const forwarded = request.headers.has("x-forwarded-for") || request.headers.has("forwarded");
  return !forwarded && (peer === "127.0.0.1" || peer === "::1" || peer === "::ffff:127.0.0.1");
}

/** The values of all processes of this host; of this one alone while NATS is away. */
async function collect({ bus, metrics, log }: ApiDeps): Promise<unknown[][]> {
  const own = async () => [await metrics.registry.getMetricsAsJSON()];
  if (!bus.isConnected) return own();
  return bus.collectMetrics().catch(error => {
    log.warn({ err: error }, "metrics of the other processes are missing");
    return own();
  });
}

export function systemRoutes(deps: ApiDeps) {
  const readiness = createReadiness(deps);
  return new Elysia({ detail: { tags: ["system"] } })
    .get("/healthz", () => ({ status: "ok" }), { detail: { summary: "The process is alive" } })
    .get(
      "/readyz",
      async ({ set }) => {
        const report = await readiness();
        set.status = report.ready ? 200 : 503;
        set.headers["content-type"] = "application/json; charset=utf-8";
        set.headers["cache-control"] = "no-store";
        return readinessText(report);
      },
      { detail: { summary: "Whether this node can serve, one line a dependency" } },
    )
    .get(
      "/metrics",
      async ({ request, set }) => {
        if (!isLocal(deps, request)) await authenticate(deps.sql, request.headers, "ops");
        set.headers["content-type"] = PROMETHEUS;
        return mergeMetrics(await collect(deps));
      },
      {
        detail: {
          summary: "Prometheus metrics of the processes of this host",
          description:
            "Open on loopback; from elsewhere it wants an ops key: 401 `unauthorized`, 403 `forbidden`.",
        },
      },
    );
}
