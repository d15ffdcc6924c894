/**
 * Every step of checkout, sale, expiry, cancel, capture and refund, and at each of them: the process dies there, the step
 * is not taken, its answer is lost. The model is the same flow without a mishap: once it was asked for again, nobody can
 * tell the two apart; and if nobody asks again, it has happened whole or not at all.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Problem } from "../../platform/errors.ts";
import { Mishap, type MishapKind, StepLost } from "../../platform/testing/index.ts";
import { expireLeases, openShop, type Shop } from "../checkout/shop.fixture.ts";
import { befallen, type Flow, flows, goOn, type Subject, seen } from "./crashes.fixture.ts";
import { unrest, violations } from "./invariants.fixture.ts";

const STOCK = 1_000_000;
/** No flow has so many steps: one that never ends is a defect. */
const MOST_STEPS = 60;

let shop: Shop;
beforeEach(async () => {
  shop = await openShop([STOCK, STOCK]);
});
afterEach(() => shop.drop());

/** A subject of its own, and nothing on its way but that. */
async function fresh(flow: Flow): Promise<Subject> {
  await shop.sql`DELETE FROM bus.outbox`;
  return flow.prepare(shop);
}

/** A refusal is an answer; a mishap is what this is about. */
function isExpected(error: unknown): boolean {
  return error instanceof Problem || error instanceof StepLost;
}

async function ask(flow: Flow, at: Shop, subject: Subject): Promise<void> {
  await flow.run(at, subject).catch(error => {
    if (!isExpected(error)) throw error;
  });
}

/** What is seen when nothing happens to it, before and after. */
async function modelOf(flow: Flow) {
  const subject = await fresh(flow);
  await goOn(shop);
  const before = await seen(shop, subject);
  await ask(flow, shop, subject);
  await goOn(shop);
  await ask(flow, shop, subject);
  await goOn(shop);
  return { before, after: await seen(shop, subject) };
}

/** What befalls it, and whether it is asked for again; else keepers and queues are all there is. */
const trials: readonly { kind: MishapKind; again: boolean }[] = [
  { kind: "dies", again: true },
  { kind: "dies", again: false },
  { kind: "unsent", again: false },
  { kind: "unanswered", again: true },
];

type Trial = (typeof trials)[number] & { flow: Flow; at: number };

/** False when the run was over before the step came. */
async function isBefallen({
  flow,
  kind,
  at,
  again,
}: Trial): Promise<{ subject: Subject; happened: boolean }> {
  const subject = await fresh(flow);
  const mishap = new Mishap(kind, at);
  await ask(flow, befallen(shop, mishap), subject);
  // Whoever comes first: the buyer's next try, or a keeper.
  if (again) await expireLeases(shop);
  else await goOn(shop);
  if (again || !flow.mayBeLeft) await ask(flow, shop, subject);
  await goOn(shop);
  return { subject, happened: mishap.happened };
}

describe("whatever befalls a process in the middle of", () => {
  for (const flow of flows) {
    test(`${flow.name}: all of it happens once, or nothing of it`, async () => {
      const model = await modelOf(flow);
      for (const trial of trials) {
        for (let at = 1; ; at++) {
          expect(at).toBeLessThan(MOST_STEPS);
          const what = { ...trial, flow: flow.name, at };
          const { subject, happened } = await isBefallen({ ...trial, flow, at });
          const wrong = [...(await violations(shop)), ...(await unrest(shop))];
          const now = await seen(shop, subject);
          const isLeft = flow.mayBeLeft && !trial.again && Bun.deepEquals(now, model.before);
          expect({ ...what, wrong, now }).toEqual({
            ...what,
            wrong: [],
            now: isLeft ? model.before : model.after,
          });
          if (!happened) break;
        }
      }
    }, 120_000);
  }
});
