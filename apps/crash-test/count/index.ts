/** Counting: the journal against the stack, when the stack has come to rest. */
import type { Journal } from "../journal.ts";
import type { Shop } from "../load/index.ts";
import { poll } from "../poll.ts";
import type { Stack } from "../stack.ts";
import { judgeAfterSales } from "./after-sales.ts";
import { judgeImports, judgePictures } from "./files.ts";
import type { Finding } from "./finding.ts";
import { judgeFlash } from "./flash.ts";
import { judgeJobs } from "./jobs.ts";
import { judgeConsumers, judgeFiles, unrest } from "./leftovers.ts";
import { judgeMails, readClaims, readMails } from "./mails.ts";
import { judgeOrders, readOrders } from "./orders.ts";
import { judgeStock } from "./stock.ts";

export type { Finding } from "./finding.ts";
export { type Gaps, longestGaps } from "./gaps.ts";
export { durables, judgeProcesses } from "./leftovers.ts";

export type Count = {
  readonly accepted: number;
  readonly done: number;
  readonly duplicateMails: number;
  /** When the mails went out, in ms, that were sent once more. */
  readonly repeatedAt: readonly number[];
  readonly findings: readonly Finding[];
};

/** Longer than leases, parked retries and delays take one after the other. */
const REST_MS = 120_000;

export async function comeToRest(stack: Stack): Promise<Finding[]> {
  let last: string[] = [];
  const isAtRest = async () => {
    last = await unrest(stack);
    return last.length === 0;
  };
  return poll("rest", REST_MS, isAtRest).then(
    () => [],
    error =>
      last.length > 0 ? last.map(what => ({ kind: "left", what })) : [{ kind: "left", what: String(error) }],
  );
}

export async function count(
  stack: Stack,
  options: { journal: Journal; shop: Shop; durables: string[] },
): Promise<Count> {
  const { journal, shop } = options;
  const buyers = journal.of("order", "flash");
  const orders = await readOrders(stack);
  const due = new Map<string, number>();
  for (const [email, all] of orders) {
    const placed = all.filter(({ status }) => ["placed", "completed", "cancelled"].includes(status));
    const mails = placed.reduce((sum, { actions }) => sum + 1 + actions, 0);
    if (mails > 0) due.set(email, mails);
  }
  const got = await readMails(stack);
  const mails = judgeMails(got, { due, claims: await readClaims(stack, got), items: buyers });
  const ofItems = [
    ...judgeOrders(buyers, orders),
    ...(await judgeFlash(stack, buyers)),
    ...(await judgeAfterSales(stack, journal.of("cancel", "refund"))),
    ...mails.findings,
    ...(await judgeJobs(stack, journal.of("job", "tick"))),
    ...(await judgeImports(stack, journal.of("import"))),
    ...(await judgePictures(stack, journal.of("picture"))),
  ];
  const accepted = journal.items.filter(item => item.accepted);
  const wrong = new Set(ofItems.map(({ item }) => item));
  return {
    accepted: accepted.length,
    done: accepted.filter(item => !wrong.has(item)).length,
    duplicateMails: mails.duplicates,
    repeatedAt: mails.repeatedAt,
    findings: [
      ...ofItems,
      ...(await judgeStock(stack, shop)),
      ...(await judgeFiles(stack)),
      ...(await judgeConsumers(stack, options.durables)),
    ],
  };
}
