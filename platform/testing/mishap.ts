/**
 * What may befall a process at its k-th step: a statement, a COMMIT, or a call of somebody outside. A test tries every k
 * until a run passes whole, and so visits every place where a process can die:
 *
 *     for (let at = 1, whole = false; !whole; at++) {
 *       const mishap = new Mishap("dies", at);
 *       await work(mishap.database(sql)).catch(mishap.rethrowOthers);
 *       whole = !mishap.happened;
 *       // … what production does afterwards, and what must hold then
 *     }
 *
 *   dies         the step does not happen, nor does any after it. Whatever the program catches, it gets no further.
 *   unsent       the step does not happen; the program is told so and lives.
 *   unanswered   the step happens, and its answer is lost; the program lives.
 *
 * A transaction whose statement met one of them is lost, as it is with its connection: it commits nothing.
 */
import type { Db, Tx } from "../postgres/index.ts";

export const mishaps = ["dies", "unsent", "unanswered"] as const;
export type MishapKind = (typeof mishaps)[number];

type Fate = "well" | "unsent" | "unanswered";
/** Of one transaction. */
type Course = { isLost: boolean };

/** What the driver's queries have; none of it is in its types. */
type Query = Promise<unknown> & {
  handler(query: unknown): unknown;
  resolve(value: unknown): void;
  reject(error: unknown): void;
};

/** As the driver has it when a connection breaks. */
export class StepLost extends Error {
  override name = "StepLost";
  readonly code = "CONNECTION_CLOSED";
}

export class Mishap {
  #steps = 0;

  constructor(
    readonly kind: MishapKind,
    /** 1 is the first step. */
    readonly at: number,
  ) {}

  get happened(): boolean {
    return this.#steps >= this.at;
  }

  #next(course?: Course): Fate {
    if (course?.isLost) return "unsent";
    const step = ++this.#steps;
    if (step < this.at || (step > this.at && this.kind !== "dies")) return "well";
    if (course) course.isLost = true;
    return this.kind === "unanswered" ? "unanswered" : "unsent";
  }

  /** The same database, whose statements are steps. */
  database(sql: Db): Db {
    return this.#watched(sql);
  }

  /** The same object, whose calls are steps. */
  outsider<T extends object>(one: T): T {
    return new Proxy(one, {
      get: (target, name) => {
        const value = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => this.#call(() => Reflect.apply(value, target, args));
      },
    });
  }

  async #call(work: () => unknown): Promise<unknown> {
    const fate = this.#next();
    if (fate === "unsent") throw new StepLost(this.kind);
    const result = await work();
    if (fate === "unanswered") throw new StepLost(this.kind);
    return result;
  }

  #watched<T extends Db | Tx>(sql: T, course?: Course): T {
    const query = (made: unknown) => (isQuery(made) ? this.#befall(made, course) : made);
    return new Proxy(sql, {
      apply: (target, self, args) => query(Reflect.apply(target as never, self, args)),
      get: (target, name) => {
        const value = Reflect.get(target, name);
        if (name === "unsafe")
          return (...args: unknown[]) => query(Reflect.apply(value as never, target, args));
        if (name === "begin") return (work: (tx: Tx) => Promise<unknown>) => this.#begin(target as Db, work);
        return value;
      },
    });
  }

  async #begin(sql: Db, work: (tx: Tx) => Promise<unknown>): Promise<unknown> {
    const course: Course = { isLost: false };
    let isAnswered = true;
    const result = await sql.begin(async tx => {
      const worked = await work(this.#watched(tx as unknown as Tx, course));
      const fate = this.#next(course);
      if (fate === "unsent") throw new StepLost(this.kind);
      isAnswered = fate === "well";
      return worked;
    });
    if (!isAnswered) throw new StepLost(this.kind);
    return result;
  }

  /** Fragments of statements are queries that are never sent: only what is sent is a step. */
  #befall(query: Query, course?: Course): Query {
    const { handler, reject } = query;
    query.handler = sent => {
      const fate = this.#next(course);
      if (fate === "unsent") return reject(new StepLost(this.kind));
      if (fate === "unanswered") query.resolve = () => reject(new StepLost(this.kind));
      return handler(sent);
    };
    return query;
  }
}

const isQuery = (value: unknown): value is Query =>
  value instanceof Promise && typeof (value as Partial<Query>).handler === "function";
