/** The longest time in which nothing came to an end, between two moments: what a fault cost, in one number. */
import type { Journal } from "../journal.ts";
import type { Stack } from "../stack.ts";

export type Gaps = { readonly doneMs: number; readonly acceptedMs: number };

/** `doneMs`: of jobs, by the ledger; `acceptedMs`: of answers to those who buy and submit. Moments are of the wall clock. */
export async function longestGaps(
  stack: Stack,
  journal: Journal,
  span: { fromMs: number; toMs: number },
): Promise<Gaps> {
  const rows = await stack.sql<{ at: number }[]>`
    SELECT extract(epoch FROM finished_at)::float8 * 1000 AS at FROM bus.job
    WHERE finished_at BETWEEN ${new Date(span.fromMs)} AND ${new Date(span.toMs)}`;
  const answers = journal
    .of("order", "flash", "job")
    .flatMap(item => (item.accepted ? item.notes.slice(-1) : []));
  return {
    doneMs: longest(
      rows.map(row => row.at),
      span,
    ),
    acceptedMs: longest(
      answers.map(note => note.at),
      span,
    ),
  };
}

function longest(moments: readonly number[], { fromMs, toMs }: { fromMs: number; toMs: number }): number {
  const within = moments.filter(at => at >= fromMs && at <= toMs).toSorted((a, b) => a - b);
  const steps = [...within, toMs].map((at, i) => at - (i === 0 ? fromMs : within[i - 1]!));
  return Math.round(Math.max(...steps));
}
