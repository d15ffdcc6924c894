/** The index that is built beside: sends changes to it, notes what was sent, and sees what became of it. */
import type { Db, Sql } from "../platform/postgres/index.ts";
import { besideName, type Change, EngineRefusal, type IndexedEngine, type IndexName } from "./engine.ts";
import { type Running, recordBuilt, selectContents } from "./reindex.store.ts";
import { taskOutcome } from "./tasks.ts";

/** Tasks that may wait in the engine; beyond that it is waited for, so that its queue does not fill the disk. */
const MAX_TASKS = 40;

/** What was in it is not kept: a hundred thousand documents have no room. */
type Sent = { task: number; productIds: readonly string[] };

export class Beside {
  readonly name: IndexName;
  readonly signal: AbortSignal | undefined;
  /** Another process has taken the build on: nothing that is sent counts. */
  superseded = false;
  /** Rises with all that is noted of what was sent. */
  notes = 0;
  readonly #engine: IndexedEngine;
  readonly #sql: Db;
  readonly #build: Running;
  #tasks: Sent[] = [];

  constructor(engine: IndexedEngine, sql: Db, build: Running, signal: AbortSignal | undefined) {
    this.name = besideName(build.storeId, build.id);
    this.signal = signal;
    this.#engine = engine;
    this.#sql = sql;
    this.#build = build;
  }

  /** `sql`: where it is noted; the holder of a lock notes on what it holds. */
  async send(changes: readonly Change[], sql: Sql = this.#sql): Promise<void> {
    if (changes.length === 0 || this.superseded) return;
    await this.#post(changes, sql);
    while (this.#tasks.length > MAX_TASKS) await this.#end(this.#tasks.shift()!, sql);
  }

  /** Waits until the engine has done all that it was sent. */
  async settle(sql: Sql = this.#sql): Promise<void> {
    for (let sent = this.#tasks.shift(); sent; sent = this.#tasks.shift()) await this.#end(sent, sql);
  }

  /** Whatever is held of these products goes; those that should be there are sent anew by who called. */
  async remove(productIds: readonly string[]): Promise<void> {
    if (productIds.length === 0) return;
    await this.#engine.enqueue(
      this.name,
      productIds.map(productId => ({ productId, document: null, version: 0 })),
    );
  }

  async #post(changes: readonly Change[], sql: Sql): Promise<void> {
    try {
      const tasks = await this.#engine.enqueue(this.name, changes);
      this.#tasks.push(...tasks);
    } catch (error) {
      if (!(error instanceof EngineRefusal)) throw error;
      return this.#refused(changes, sql);
    }
    await this.#note(changes, sql);
  }

  async #end({ task, productIds }: Sent, sql: Sql): Promise<void> {
    const ended = await taskOutcome(this.#engine, task, this.signal);
    if (ended.type === "refused")
      await this.#refused(await selectContents(sql, this.#build, productIds), sql);
    // Not noted any more, so that another try sends it again.
    if (ended.type === "lost") throw new Error(`the engine lost a task: ${ended.error}`);
  }

  /** One bad document is left out alone: the job of its change is the one that reports it. */
  async #refused(changes: readonly Change[], sql: Sql): Promise<void> {
    if (changes.length === 0) return;
    if (changes.length === 1) {
      await this.#note(changes, sql, true);
      return;
    }
    const middle = changes.length >> 1;
    for (const half of [changes.slice(0, middle), changes.slice(middle)]) {
      await this.#post(half, sql);
      await this.settle(sql);
    }
  }

  async #note(changes: readonly Change[], sql: Sql, refused = false): Promise<void> {
    this.notes++;
    if (!(await recordBuilt(sql, this.#build, changes, refused))) this.superseded = true;
  }
}
