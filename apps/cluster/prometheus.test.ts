/** A real Prometheus scrapes a cluster: every query that is shipped for it is one that it can answer. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../platform/testing/index.ts";
import { rules } from "../keeper/index.ts";
import { anyProduct, buy, mailTo } from "./first-light/steps.ts";
import { root } from "./install.ts";
import { freePort } from "./ports.ts";
import { startStack, type TestStack } from "./testing.ts";

const prometheus = Bun.which("prometheus");
const promtool = Bun.which("promtool");
const shipped = join(root, "deploy");
const ruleFile = join(shipped, "prometheus/tradewind.rules.yml");

type Sample = { metric: Record<string, string>; value: [number, string] };
type Dashboard = { title: string; panels: { title: string; targets: { expr: string }[] }[] };

describe.skipIf(!prometheus || !promtool)("a real Prometheus", () => {
  let cluster: TestStack;
  let dir: string;
  let server: Bun.Subprocess;
  let origin: string;

  beforeAll(async () => {
    cluster = await startStack({ TRADEWIND_DEMO: "on", TRADEWIND_FIRST_LIGHT: "on" });
    dir = await mkdtemp(join(tmpdir(), "tradewind-prometheus-"));
    const [port, target] = [await freePort(), new URL(cluster.stack().api).host];
    const config = {
      // A scrape may take as long as its interval: a second would be too short on a busy machine.
      global: { scrape_interval: "3s", evaluation_interval: "1s" },
      rule_files: [ruleFile],
      scrape_configs: [{ job_name: "tradewind", static_configs: [{ targets: [target] }] }],
    };
    await Bun.write(join(dir, "prometheus.yml"), JSON.stringify(config));
    const options = [
      `--config.file=${join(dir, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(dir, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    server = Bun.spawn([prometheus!, ...options], { stdio: ["ignore", "ignore", "ignore"] });
    origin = `http://127.0.0.1:${port}`;
  }, 120_000);

  afterAll(async () => {
    server?.kill("SIGKILL");
    await server?.exited;
    await cluster?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  async function query(expr: string): Promise<Sample[]> {
    const answer = await fetch(`${origin}/api/v1/query?${new URLSearchParams({ query: expr })}`);
    const body = (await answer.json()) as { status: string; error?: string; data: { result: Sample[] } };
    if (body.status !== "success") throw new Error(`${expr}: ${body.error}`);
    return body.data.result;
  }
  const numberOf = async (expr: string) =>
    Number((await query(expr).catch(() => []))[0]?.value[1] ?? Number.NaN);

  test("takes the rule file", async () => {
    const check = Bun.spawnSync([promtool!, "check", "rules", ruleFile]);
    expect(check.stderr.toString() + check.stdout.toString()).toContain(`${rules.length} rules found`);
    expect(check.exitCode).toBe(0);
  });

  test("answers each query of the dashboards and of the rules", async () => {
    const { api } = cluster;
    // A rate needs a series that was there before and has risen since.
    const tried = `sum(rate(tradewind_job_tries_total{kind="email.send"}[1m]))`;
    const works = async () => {
      const email = `ada-${crypto.randomUUID()}@prometheus.example`;
      // Read each time, so that one that was sold out is restocked.
      await buy(api, await anyProduct(api), email);
      await mailTo(api, email);
      return (await numberOf(tried)) > 0;
    };
    await until(works, { timeoutMs: 90_000, what: "a rate of mails" });

    for (const name of ["overview", "jobs", "processes"]) {
      const dashboard = (await Bun.file(join(shipped, `grafana/${name}.json`)).json()) as Dashboard;
      for (const { title, targets } of dashboard.panels) {
        for (const { expr } of targets) {
          const found = await query(expr.replaceAll("$__rate_interval", "1m"));
          expect([name, title, expr, found.length > 0]).toEqual([name, title, expr, true]);
        }
      }
    }
    for (const { name, expr } of rules) {
      expect([name, await query(expr).catch(String)]).toEqual([name, expect.any(Array)]);
      // Every metric that a rule names is there to be asked for.
      for (const metric of new Set(expr.match(/tradewind_\w+/g))) {
        if (metric.startsWith("tradewind_replica_") || metric === "tradewind_dead_letters_open") continue;
        expect([name, metric, (await query(metric)).length > 0]).toEqual([name, metric, true]);
      }
    }
  }, 180_000);

  test("and quantiles are those of all processes together", async () => {
    const nodes = cluster.stack().nodes!;
    const count = () => numberOf(`sum(tradewind_http_request_seconds_count{route="/healthz"})`);
    const before = (await count()) || 0;
    await Promise.all(
      nodes.map(node => Promise.all(Array.from({ length: 20 }, () => fetch(`${node}/healthz`)))),
    );
    await until(async () => (await count()) >= before + 20 * nodes.length, {
      what: "all requests",
    });
  });
});
