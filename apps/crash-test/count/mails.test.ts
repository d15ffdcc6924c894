/** What tells a second copy in the documented window from a mail that was sent twice. */
import { expect, test } from "bun:test";
import { judgeMails } from "./mails.ts";

const ADA = "buyer-1@crash.example";
const due = new Map([[ADA, 1]]);
const claimed = (claims: number, atMs: number) => [{ messageId: "<a>", claims, claimedAt: new Date(atMs) }];

/** Copies of one mail that came at these moments, the newest first, as the mailbox lists them. */
function got(...atMs: number[]) {
  const copies = atMs.map(at => ({
    to: [ADA],
    subject: "Order",
    messageId: "<a>",
    receivedAt: new Date(at).toISOString(),
  }));
  return new Map([[ADA, copies.toReversed()]]);
}
const kinds = (judged: ReturnType<typeof judgeMails>) => judged.findings.map(({ kind }) => kind);

test("one copy for each claim, the last after the claim before ran out, is the window and is counted", () => {
  const judged = judgeMails(got(1_000, 22_000), { due, claims: claimed(2, 21_500), items: [] });
  expect(judged).toEqual({ findings: [], duplicates: 1, repeatedAt: [1_000] });
});

test.each([
  ["more copies than claims", got(1_000, 22_000), claimed(1, 900)],
  ["a copy of whose claim nothing is known", got(1_000, 22_000), []],
  ["both copies before the last claim", got(1_000, 2_000), claimed(2, 21_500)],
  ["both copies after the last claim", got(22_000, 22_100), claimed(2, 21_500)],
])("%s is a mail twice", (_, mails, claims) => {
  const judged = judgeMails(mails, { due, claims, items: [] });
  expect([kinds(judged), judged.duplicates]).toEqual([["twice"], 1]);
});

test("a mail that did not come is lost, one that nobody was due is one too many", () => {
  expect(kinds(judgeMails(new Map(), { due, claims: [], items: [] }))).toEqual(["lost"]);
  expect(kinds(judgeMails(got(1_000), { due: new Map(), claims: [], items: [] }))).toEqual(["twice"]);
});
