/**
 * For tests: an engine in memory that keeps the engine's promises and no more. Tasks run in the order of their enqueueing,
 * the last write wins, and a task may be pending, refused, lost, or enqueued without the sender hearing of it.
 */
import { checksum, type SearchDocument } from "./document.ts";
import {
  type Change,
  EngineRefusal,
  type IndexedEngine,
  type IndexName,
  type StoreSettings,
  type TaskState,
} from "./engine.ts";

type Task = { index: IndexName; changes: readonly Change[]; swap?: IndexName; state: TaskState };
type Stored = { title: string; version: number; sum: string };

export class EngineModel implements IndexedEngine {
  readonly name = "meilisearch";
  settings = "settings-1";
  /** What was sent, in order: settings and products. */
  readonly sent: string[][] = [];
  /** Products that were sent in part only. */
  readonly partial: string[] = [];
  /** Product ids whose document makes a task be refused. */
  readonly bad = new Set<string>();
  /** Like `bad`, but the post itself is refused. */
  readonly unpostable = new Set<string>();
  /** Tasks stay in the queue until `run`. */
  manual = false;
  /** The post arrives after as long as this gives. */
  latencyMs = () => 0;
  /** Called when a post is in the queue, before its sender hears of it; may throw. */
  afterEnqueue: () => void | Promise<void> = () => {};
  #tasks: Task[] = [];
  #indexes = new Map<IndexName, { identity: string; stored: Map<string, Stored> }>();

  /** Titles by product in the indexes of stores, as of the tasks that ran. */
  get titles(): Map<string, string> {
    const stores = [...this.#indexes].filter(([name]) => !name.includes("/"));
    return new Map(
      stores.flatMap(([, { stored }]) => [...stored].map(([id, { title }]) => [id, title] as const)),
    );
  }

  get names(): string[] {
    return [...this.#indexes.keys()];
  }

  settingsHash(own: StoreSettings) {
    return this.settings + (own.stopWords.length > 0 ? own.stopWords.join() : "");
  }

  async identity(index: IndexName) {
    return this.#indexes.get(index)?.identity ?? null;
  }

  async applySettings(index: IndexName, own: StoreSettings) {
    this.sent.push([this.settingsHash(own)]);
    if (!this.#indexes.has(index)) {
      this.#indexes.set(index, { identity: crypto.randomUUID(), stored: new Map() });
    }
    return this.#add({ index, changes: [] });
  }

  async clear(index: IndexName) {
    this.#indexes.get(index)?.stored.clear();
  }

  async enqueue(index: IndexName, changes: readonly Change[]) {
    await Bun.sleep(this.latencyMs());
    if (changes.some(change => change.document !== null && this.unpostable.has(change.productId)))
      throw new EngineRefusal("unpostable");
    this.sent.push(changes.map(change => change.productId));
    this.partial.push(...changes.filter(change => change.partial).map(change => change.productId));
    const task = this.#add({ index, changes });
    await this.afterEnqueue();
    return [{ task, productIds: changes.map(change => change.productId) }];
  }

  async taskState(task: number): Promise<TaskState> {
    return this.#tasks[task]?.state ?? { type: "lost", error: "forgotten" };
  }

  async count(index: IndexName) {
    return this.#stored(index).size;
  }

  async held(index: IndexName, { offset, limit }: { offset: number; limit: number }) {
    const all = [...this.#stored(index)].map(([productId, { version }]) => ({ productId, version }));
    return all.slice(offset, offset + limit);
  }

  async checksums(index: IndexName, ids: readonly string[]) {
    const stored = this.#stored(index);
    return new Map(
      ids.flatMap(id => {
        const one = stored.get(id);
        return one ? [[id, one.sum] as const] : [];
      }),
    );
  }

  async swap(one: IndexName, other: IndexName) {
    return this.#add({ index: one, changes: [], swap: other });
  }

  async drop(index: IndexName) {
    this.#indexes.delete(index);
  }

  async search(): Promise<never> {
    throw new Error("the model does not search");
  }

  /** Everything is gone, as with a new disk. */
  wipe(): void {
    this.#indexes.clear();
    this.#tasks = [];
  }

  /** As if somebody had written past us. */
  tamper(index: IndexName, productId: string, change: Partial<Stored> | null): void {
    const stored = this.#stored(index);
    if (change === null) stored.delete(productId);
    else stored.set(productId, { title: "?", version: 0, sum: "?", ...stored.get(productId), ...change });
  }

  /** Loses what is pending. */
  lose(): void {
    for (const task of this.#tasks)
      if (task.state.type === "pending") task.state = { type: "lost", error: "no room" };
  }

  run(): void {
    for (const task of this.#tasks) if (task.state.type === "pending") this.#apply(task);
  }

  #stored(index: IndexName): Map<string, Stored> {
    return this.#indexes.get(index)?.stored ?? new Map();
  }

  #add(task: Omit<Task, "state">): number {
    this.#tasks.push({ ...task, state: { type: "pending" } });
    if (!this.manual) this.run();
    return this.#tasks.length - 1;
  }

  #apply(task: Task): void {
    if (task.changes.some(change => this.bad.has(change.productId))) {
      task.state = { type: "refused", error: "bad document" };
      return;
    }
    if (task.swap !== undefined) this.#swap(task.index, task.swap);
    const stored = this.#stored(task.index);
    for (const { productId, document: given, json, version } of task.changes) {
      const document = given === undefined ? (JSON.parse(json!) as SearchDocument) : given;
      if (document) stored.set(productId, { title: document.title, version, sum: checksum(document) });
      else stored.delete(productId);
    }
    task.state = { type: "succeeded" };
  }

  #swap(one: IndexName, other: IndexName): void {
    const [a, b] = [this.#indexes.get(one)!, this.#indexes.get(other)!];
    this.#indexes.set(one, b);
    this.#indexes.set(other, a);
  }
}
