/**
 * Jobs against the ledger: each that was accepted has its one terminal row, well or, for the poison, dead; and the dead
 * letters are those of the poison that was put in, nothing else.
 */
import type { Item } from "../journal.ts";
import type { Stack } from "../stack.ts";
import type { Finding } from "./finding.ts";

type Row = { id: string; key: string; status: string; early: boolean; error: string | null };

export async function judgeJobs(stack: Stack, items: readonly Item[]): Promise<Finding[]> {
  const accepted = items.filter(item => item.accepted);
  const idOf = ({ answer }: Item) => String(answer!.body.id ?? answer!.body.jobId);
  const rows = await stack.sql<Row[]>`
    SELECT id, key, status, error, started_at < queued_at AS early FROM bus.job
    WHERE id = ANY(${accepted.map(idOf)}::uuid[])`;
  const byId = new Map(rows.map(row => [row.id, row]));
  const ends = accepted.flatMap((item): Finding[] => {
    const row = byId.get(idOf(item));
    const wanted = item.wants.poison ? "dead" : "done";
    if (row?.status === wanted) return [];
    const what = `${item.name} (${idOf(item)}): ${row ? `${row.status} ${row.error ?? ""}` : "not in the ledger"}`;
    return [{ kind: "lost", what, item }];
  });
  return [...ends, ...(await judgeDead(stack, items))];
}

async function judgeDead(stack: Stack, items: readonly Item[]): Promise<Finding[]> {
  const letters = await stack.sql<
    { jobId: string; key: string; kind: string; error: string; count: number }[]
  >`
    SELECT job_id AS "jobId", key, min(kind) AS kind, min(error) AS error, count(*)::int AS count
    FROM bus.dead GROUP BY job_id, key`;
  const poison = new Map(items.filter(({ wants }) => wants.poison).map(item => [item.name, item]));
  const wrong = letters.flatMap((letter): Finding[] => {
    const item = poison.get(letter.key);
    if (!item)
      return [
        {
          kind: "lost",
          what: `dead letter that is no poison: ${letter.kind} ${letter.key}: ${letter.error}`,
        },
      ];
    return letter.count > 1
      ? [{ kind: "twice", what: `${letter.key} died ${letter.count} times`, item }]
      : [];
  });
  const died = new Set(letters.map(({ jobId }) => jobId));
  const missing = items.filter(
    item => item.wants.poison && item.accepted && !died.has(String(item.answer!.body.id)),
  );
  return [
    ...wrong,
    ...missing.map((item): Finding => ({ kind: "lost", what: `${item.name} has no dead letter`, item })),
  ];
}
