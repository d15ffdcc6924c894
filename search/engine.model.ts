/**
 * For tests: an engine in memory that keeps the engine's promises and no more. Tasks run in the order of their enqueueing,
 * the last write wins, and a task may be pending, refused, lost, or enqueued without the sender hearing of it.
 */
import { type Change, EngineRefusal, type IndexedEngine, type TaskState } from "./engine.ts";

type Task = { changes: readonly Change[]; state: TaskState };

export class EngineModel implements IndexedEngine {
  readonly name = "meilisearch";
  settingsHash = "settings-1";
  /** Titles by product, as of the tasks that ran. */
  readonly titles = new Map<string, string>();
  /** What was sent, in order: settings and products. */
  readonly sent: string[][] = [];
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
  #identity: string | null = null;

  async identity() {
    return this.#identity;
  }

  async applySettings() {
    this.sent.push([this.settingsHash]);
    this.#identity ??= crypto.randomUUID();
    return this.#add([]);
  }

  async clear() {
    this.titles.clear();
  }

  async enqueue(_storeId: string, changes: readonly Change[]) {
    await Bun.sleep(this.latencyMs());
    if (changes.some(change => this.unpostable.has(change.productId))) throw new EngineRefusal("unpostable");
    this.sent.push(changes.map(change => change.productId));
    const task = this.#add(changes);
    await this.afterEnqueue();
    return [{ task, productIds: changes.map(change => change.productId) }];
  }

  async taskState(task: number): Promise<TaskState> {
    return this.#tasks[task]?.state ?? { type: "lost", error: "forgotten" };
  }

  async search(): Promise<never> {
    throw new Error("the model does not search");
  }

  /** Everything is gone, as with a new disk. */
  wipe(): void {
    this.titles.clear();
    this.#tasks = [];
    this.#identity = null;
  }

  /** Loses what is pending. */
  lose(): void {
    for (const task of this.#tasks)
      if (task.state.type === "pending") task.state = { type: "lost", error: "no room" };
  }

  run(): void {
    for (const task of this.#tasks) if (task.state.type === "pending") this.#apply(task);
  }

  #add(changes: readonly Change[]): number {
    this.#tasks.push({ changes, state: { type: "pending" } });
    if (!this.manual) this.run();
    return this.#tasks.length - 1;
  }

  #apply(task: Task): void {
    if (task.changes.some(change => this.bad.has(change.productId))) {
      task.state = { type: "refused", error: "bad document" };
      return;
    }
    for (const { productId, document } of task.changes) {
      if (document) this.titles.set(productId, document.title);
      else this.titles.delete(productId);
    }
    task.state = { type: "succeeded" };
  }
}
