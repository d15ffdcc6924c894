/**
 * Drills of every kind and priority, each under a key of its own: those that are done, that fail a few times first, that
 * kill their worker once, that come later, that are unique; and the poison, which must end as dead letters. One that was
 * submitted and not answered is submitted again: two jobs of a key are then right, and each that was answered counts.
 */
import type { Item } from "../journal.ts";
import { type Call, GaveUp, persist } from "./client.ts";
import { type LoadContext, opsHeaders } from "./context.ts";
import type { Source } from "./pace.ts";

type Recipe = {
  name: string;
  /** Of a hundred. */
  share: number;
  kind: string;
  payload: Record<string, unknown>;
  poison?: true;
  delayMs?: number;
  unique?: true;
};

const RECIPES: readonly Recipe[] = [
  { name: "plain", share: 61, kind: "noop", payload: {} },
  { name: "slow", share: 15, kind: "sleep", payload: { ms: 300 } },
  { name: "failing", share: 8, kind: "fail", payload: { failures: 2 } },
  { name: "late", share: 6, kind: "noop", payload: {}, delayMs: 2_500 },
  { name: "unique", share: 6, kind: "sleep", payload: { ms: 200 }, unique: true },
  { name: "hopeless", share: 2, kind: "fail", payload: { permanent: true }, poison: true },
  { name: "failing too often", share: 2, kind: "fail", payload: { failures: 50 }, poison: true },
];
/** Seldom, and not in the low pool, which has one process: each takes its worker with it, up to three times. */
const KILLERS: readonly Recipe[] = [
  { name: "killing once", share: 50, kind: "crash", payload: { failures: 1 } },
  { name: "killing", share: 50, kind: "crash", payload: {}, poison: true },
];

const PRIORITIES = ["high", "high", "normal", "normal", "low"] as const;
const UNIQUE_KEYS = 5;

export function jobs(context: LoadContext, perSecond: number): Source {
  const run = (index: number) => submit(context, index, choose(RECIPES, context.random.next() * 100));
  return { name: "jobs", perSecond, most: 120, run };
}

export function killers(context: LoadContext, perSecond: number): Source {
  const run = (index: number) => submit(context, index, KILLERS[index % KILLERS.length]!);
  return { name: "killers", perSecond, most: 10, run };
}

async function submit(context: LoadContext, index: number, recipe: Recipe): Promise<void> {
  const { random } = context;
  const priority = random.pick(PRIORITIES.slice(0, recipe.kind === "crash" ? -1 : undefined));
  const key = `crash:${recipe.name.replaceAll(" ", "-")}:${index}`;
  const item = context.journal.open("job", key, { poison: recipe.poison ?? false, recipe: recipe.name });
  const uniqueKey = `crash:unique:${priority}:${random.between(1, UNIQUE_KEYS)}`;
  const body = {
    kind: `drill.${recipe.kind}.${priority}`,
    payload: recipe.payload,
    key,
    ...(recipe.delayMs && { delayMs: recipe.delayMs }),
    ...(recipe.unique && { unique: { mode: "drop", until: "end", key: uniqueKey } }),
  };
  await ask(context, item, { method: "POST", path: "/ops/jobs", headers: opsHeaders(context), body });
}

async function ask(context: LoadContext, item: Item, call: Call): Promise<void> {
  try {
    item.answer = await persist(item, context.origin, call);
  } catch (error) {
    if (!(error instanceof GaveUp)) throw error;
  }
}

function choose(from: readonly Recipe[], roll: number): Recipe {
  let left = roll;
  for (const recipe of from) {
    left -= recipe.share;
    if (left < 0) return recipe;
  }
  return from[0]!;
}

/** Cron by hand: each asked tick must make one job. */
export function ticks(context: LoadContext, perSecond: number): Source {
  const names = ["tidy.counted_orders", "tidy.learned_orders", "search.check"];
  return {
    name: "ticks",
    perSecond,
    most: 10,
    async run(index) {
      const path = `/ops/schedules/${names[index % names.length]}/run`;
      const item = context.journal.open("tick", `tick-${index}`);
      await ask(context, item, { method: "POST", path, headers: opsHeaders(context) });
    },
  };
}
