/**
 * Counts what a piece of work asks of Postgres, so that a test can show that the number does not grow with the number of
 * rows:
 *
 *     const few = await db.statements.during(() => list(3));
 *     const many = await db.statements.during(() => list(100));
 *     expect(many).toHaveLength(few.length);
 */

/** What postgres.js sends by itself when a connection opens. */
const OWN = /\bpg_type\b|\bpg_catalog\b/;
/** A transaction's own words are no reads or writes. */
const FRAME = /^\s*(?:begin|commit|rollback|savepoint|release)\b/i;

export class StatementLog {
  #texts: string[] | null = null;

  add(text: string): void {
    if (this.#texts && !OWN.test(text) && !FRAME.test(text))
      this.#texts.push(text.replace(/\s+/g, " ").trim());
  }

  /** The statements that were sent while `work` ran; nothing else may use the database meanwhile. */
  async during(work: () => Promise<unknown>): Promise<string[]> {
    const texts: string[] = [];
    this.#texts = texts;
    try {
      await work();
    } finally {
      this.#texts = null;
    }
    return texts;
  }
}
