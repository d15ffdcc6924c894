/**
 * The most that a server answers of one GET in a closed loop: by wrk where it is on PATH, which takes less processor time
 * than any client of ours; else by the bench's own loop. The result names which (`by`); compare like with like.
 */
import { join } from "node:path";
import type { Measured } from "../stats.ts";
import { closedLoop } from "./closed.ts";
import { requestText } from "./connection.ts";

export type MaximumLoad = {
  port: number;
  path: string;
  headers: Readonly<Record<string, string>>;
  clients: number;
  seconds: number;
};

/** `wrk` is the program's path; null for the own loop. @throws Error when an answer was no 200. */
export async function maximum(
  load: MaximumLoad,
  wrk: string | null = Bun.which("wrk"),
): Promise<Measured & { by: string }> {
  return wrk ? byWrk(wrk, load) : byOwnLoop(load);
}

async function byOwnLoop({ port, path, headers, clients, seconds }: MaximumLoad) {
  const request = requestText({ method: "GET", path, headers });
  const measured = await closedLoop({
    ports: [port],
    clients,
    seconds,
    next: () => request,
    onAnswer({ status, body }) {
      if (status !== 200) throw new Error(`${path} answered ${status}: ${body.slice(0, 500)}`);
    },
  });
  return { ...measured, by: "the bench's own loop" };
}

type Said = Record<
  "count" | "us" | "p50" | "p95" | "p99" | "connect" | "read" | "write" | "timeout" | "status",
  number
>;

async function byWrk(wrk: string, { port, path, headers, clients, seconds }: MaximumLoad) {
  const threads = Math.min(2, clients);
  const command = [
    wrk,
    ...[`-t${threads}`, `-c${clients}`, `-d${Math.max(1, Math.round(seconds))}s`],
    ...["-s", join(import.meta.dir, "wrk.lua")],
    ...Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]),
    `http://127.0.0.1:${port}${path}`,
  ];
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [text, complaint] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const line = /^RESULT (.*)$/m.exec(text)?.[1];
  if ((await child.exited) !== 0 || !line) throw new Error(`wrk failed: ${complaint || text}`);
  const said = JSON.parse(line) as Said;
  const errors = said.connect + said.read + said.write + said.timeout + said.status;
  if (errors > 0) throw new Error(`${path}: wrk counted ${errors} errors: ${line}`);
  return {
    count: said.count,
    seconds: said.us / 1e6,
    latenciesMs: [],
    quantiles: { p50Ms: said.p50 / 1_000, p95Ms: said.p95 / 1_000, p99Ms: said.p99 / 1_000 },
    by: await versionOf(wrk),
  };
}

/** wrk says its version with its usage, and fails. */
async function versionOf(wrk: string): Promise<string> {
  const child = Bun.spawn([wrk, "--version"], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [text] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  return `wrk ${/(\d+\.\d+\.\d+)/.exec(text)?.[1] ?? ""}`.trim();
}
