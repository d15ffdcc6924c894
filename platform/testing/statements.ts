/**
 * Counts what a piece of work asks of Postgres, so that a test can show that the number does not grow with the number of
 * rows, and shows how Postgres answers it:
 *
 *     const few = await db.statements.during(() => list(3));
 *     const many = await db.statements.during(() => list(100));
 *     expect(Math.abs(many.length - few.length)).toBeLessThanOrEqual(LOOKUP_SLACK);
 *
 *     const [plan] = await db.statements.plansDuring(db.sql, () => list(100));
 *     expect(plan!.map(node => node.type)).not.toContain("Seq Scan");
 */
import type { Db } from "../postgres/index.ts";

/** What postgres.js sends by itself when a connection opens, and the cache's readings of its log, which nobody asks for. */
const OWN = /\bpg_type\b|\bpg_catalog\b|\bpg_current_snapshot\b/;
/** A transaction's own words are no reads or writes. */
const FRAME = /^\s*(?:begin|commit|rollback|savepoint|release)\b/i;

type Statement = { text: string; parameters: readonly unknown[] };

/** A node of a plan, with the index that it reads and the rows that really came out of it. */
export type PlanNode = { type: string; index?: string | undefined; rows: number };

type RawNode = { "Node Type": string; "Index Name"?: string; "Actual Rows": number; Plans?: RawNode[] };

/**
 * How far two counts may be apart without the number growing with the rows: a look-up (platform/lookup.ts) whose second
 * is over is read once more.
 */
export const LOOKUP_SLACK = 3;

export class StatementLog {
  #sent: Statement[] | null = null;

  readonly add = (text: string, parameters: readonly unknown[]): void => {
    if (this.#sent && !OWN.test(text) && !FRAME.test(text)) this.#sent.push({ text, parameters });
  };

  /** The statements that were sent while `work` ran; nothing else may use the database meanwhile. */
  async during(work: () => Promise<unknown>): Promise<string[]> {
    return (await this.#record(work)).map(one => one.text.replace(/\s+/g, " ").trim());
  }

  /** The plans of those statements, each as a flat list of its nodes. They are run once more; for reads only. */
  async plansDuring(sql: Db, work: () => Promise<unknown>): Promise<PlanNode[][]> {
    const plans: PlanNode[][] = [];
    for (const { text, parameters } of await this.#record(work)) {
      const [row] = await sql.unsafe(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, [...parameters] as never[]);
      plans.push(flat((row as unknown as { "QUERY PLAN": [{ Plan: RawNode }] })["QUERY PLAN"][0].Plan));
    }
    return plans;
  }

  async #record(work: () => Promise<unknown>): Promise<Statement[]> {
    const sent: Statement[] = [];
    this.#sent = sent;
    try {
      await work();
    } finally {
      this.#sent = null;
    }
    return sent;
  }
}

function flat(node: RawNode): PlanNode[] {
  const own = { type: node["Node Type"], index: node["Index Name"], rows: node["Actual Rows"] };
  return [own, ...(node.Plans ?? []).flatMap(flat)];
}
