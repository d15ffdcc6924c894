/**
 * When all is well again, counted from the moment of the fault: what was hit is there again, every node says that it and
 * all it depends on is well, jobs of each priority that were submitted after that are done, and the load ends as many
 * checkouts and submissions as come.
 */
import { loadavg } from "node:os";
import type { Running, Source } from "../load/index.ts";
import type { Stack } from "../stack.ts";
import type { Inflicted } from "./fault.ts";

const LOOK_MS = 40;
const WINDOW_MS = 500;
/** Of what comes in the window: arrivals are even, ends are not. */
const FULL = 0.75;
const WATCHED = ["checkouts", "jobs"];
const ASK_MS = 2_000;
/** For jobs that were accepted: they have to come. */
const DONE_MS = 30_000;
/** After which others are asked for beside them: a poisoned job may have taken down, at this moment, the worker that holds them. */
const BESIDE_MS = 2_000;

/** `steps`: what came when, in words, and how busy the machine was. */
export type Recovery = { readonly ms: number; readonly steps: string } | { readonly missing: string };
export async function untilWell(
  inflicted: Inflicted,
  options: { stack: Stack; running: Running; sources: readonly Source[]; patienceMs: number },
): Promise<Recovery> {
  const { stack, running, sources, patienceMs } = options;
  const deadline = inflicted.atMs + patienceMs;
  const steps = {
    back: () => inflicted.isBack(),
    "nodes well": () => nodesAreWell(stack),
    "jobs done": async () => {
      ids = await doneProbes(stack);
      return true;
    },
    "full rate": () => rateIsFull(running, sources),
  };
  const told: string[] = [];
  let ids: string[] = [];
  const sinceMs = () => Math.round(performance.now() - inflicted.atMs);
  for (const [name, step] of Object.entries(steps)) {
    for (let why = ""; ; await Bun.sleep(LOOK_MS)) {
      try {
        if (await step()) break;
      } catch (error) {
        why = `: ${(error as Error).message}`;
      }
      if (performance.now() > deadline) return { missing: name + why };
    }
    told.push(`${name} ${sinceMs()}`);
  }
  const job = await slowest(stack, ids).catch(String);
  return { ms: sinceMs(), steps: `${told.join(", ")}; ${job}; load ${loadavg()[0]!.toFixed(1)}` };
}

type Readiness = { status: string; dependencies: { name: string; state: string }[] };

async function nodesAreWell(stack: Stack): Promise<boolean> {
  const { api, nodes } = stack.now();
  const answers = await Promise.all(
    [api, ...nodes].map(async origin => {
      const response = await fetch(`${origin}/readyz`, { signal: AbortSignal.timeout(ASK_MS) });
      return (await response.json()) as Readiness;
    }),
  );
  const unwell = answers.flatMap(one => one.dependencies).filter(({ state }) => state !== "ok");
  if (unwell.length > 0) throw new Error(unwell.map(({ name, state }) => `${name} ${state}`).join(", "));
  return answers.every(({ status }) => status === "ready");
}

/** A job of each priority. */
async function submitted(stack: Stack): Promise<string[]> {
  const { api, keys } = stack.now();
  const headers = { authorization: `Bearer ${keys!.ops}`, "content-type": "application/json" };
  return Promise.all(
    ["high", "normal", "low"].map(async priority => {
      const body = JSON.stringify({ kind: `drill.noop.${priority}`, payload: {}, key: "crash:probe" });
      const signal = AbortSignal.timeout(ASK_MS);
      const response = await fetch(`${api}/ops/jobs`, { method: "POST", headers, body, signal });
      return ((await response.json()) as { id: string }).id;
    }),
  );
}

/** The first of two sets of jobs that is done. The other has to come too: no job may be open when the run is counted (leftovers.ts). */
async function doneProbes(stack: Stack): Promise<string[]> {
  const sets = [await submitted(stack)];
  const atMs = performance.now();
  for (let nowMs = atMs; nowMs < atMs + DONE_MS; nowMs = performance.now()) {
    for (const ids of sets) if ((await unfinished(stack, ids)).length === 0) return ids;
    if (sets.length === 1 && nowMs > atMs + BESIDE_MS)
      sets.push(await submitted(stack).catch(() => sets[0]!));
    await Bun.sleep(LOOK_MS);
  }
  throw new Error((await unfinished(stack, sets[0]!)).join(", "));
}

/** What of the jobs is not done, in words. */
async function unfinished(stack: Stack, ids: readonly string[]): Promise<string[]> {
  const rows = await stack.sql<{ what: string }[]>`
    SELECT coalesce(j.kind || ' ' || j.status, o.kind || ' in the outbox', 'not seen yet') AS what
    FROM unnest(${ids as string[]}::uuid[]) u(id) LEFT JOIN bus.job j USING (id) LEFT JOIN bus.outbox o USING (id)
    WHERE j.status IS DISTINCT FROM 'done'`;
  return rows.map(({ what }) => what);
}

/** What the job that was done last waited for, from the moment it was made. */
async function slowest(stack: Stack, ids: readonly string[]): Promise<string> {
  const [row] = await stack.sql<{ what: string }[]>`
    SELECT kind || ' queued ' || ${after(stack.sql, "queued_at")} || ', begun ' || ${after(stack.sql, "started_at")} || ', done '
      || ${after(stack.sql, "finished_at")} AS what
    FROM bus.job WHERE id = ANY(${ids as string[]}::uuid[]) ORDER BY finished_at - uuid_extract_timestamp(id) DESC LIMIT 1`;
  return row?.what ?? "";
}

const after = (sql: Stack["sql"], column: string) =>
  sql`round(1000 * extract(epoch FROM ${sql(column)} - uuid_extract_timestamp(id)))`;

function rateIsFull(running: Running, sources: readonly Source[]): boolean {
  return sources
    .filter(({ name }) => WATCHED.includes(name))
    .every(
      ({ name, perSecond }) =>
        running.ended(name, WINDOW_MS) >= Math.floor(FULL * perSecond * (WINDOW_MS / 1_000)),
    );
}
