/** Meilisearch: one index a store, `products_<store id>`, and one beside it while it is made anew. Reads and enqueues; the order of changes is the indexer's to keep. */
import { type Index, Meilisearch, MeilisearchApiError } from "meilisearch";
import { checksum, type SearchDocument, volatilePart } from "../document.ts";
import {
  type Change,
  EngineRefusal,
  type EnqueuedTask,
  type Held,
  type IndexedEngine,
  type IndexName,
  type TaskState,
} from "../engine.ts";
import { openQueries } from "./meilisearch.search.ts";
import { settingsHash, settingsOf } from "./meilisearch.settings.ts";

/** A line each, which the engine keeps as it comes. */
const NDJSON = "application/x-ndjson";
/** Of one post; the engine takes 100 MB. */
const MAX_POST_BYTES = 8 * 1024 * 1024;
/** For posts and task reads; queries have their own, shorter one. */
const REQUEST_MS = 10_000;
/** What the engine says of input that it won't take. Other answers (busy, no key, no room) are outages. */
const REFUSALS = new Set([400, 413, 415, 422]);

export function indexUid(index: IndexName): string {
  return `products_${index.toLowerCase().replace("/", "__")}`;
}

export function openMeilisearch(options: { url: string; key?: string | undefined }): IndexedEngine {
  const client = new Meilisearch({
    host: options.url,
    ...(options.key ? { apiKey: options.key } : {}),
    timeout: REQUEST_MS,
    // Without it the answer of every search waits 44 ms for a delayed ACK.
    requestInit: { headers: { "Accept-Encoding": "identity" } },
  });
  const search = openQueries(options);
  const indexOf = (index: IndexName) => client.index(indexUid(index));
  return {
    name: "meilisearch",
    settingsHash,
    search: (storeId, query, signal) => search(indexUid(storeId), query, signal),
    identity: index =>
      client.getRawIndex(indexUid(index)).then(
        raw => raw.createdAt,
        error => nullWhenMissing(error),
      ),
    applySettings: async (index, own) => (await indexOf(index).updateSettings(settingsOf(own))).taskUid,
    async clear(index) {
      await indexOf(index).deleteAllDocuments();
    },
    enqueue: (index, changes) => enqueue(indexOf(index), changes),
    taskState: task => taskState(client, task),
    count: async index => (await indexOf(index).getStats()).numberOfDocuments,
    held: (index, page) => held(indexOf(index), page),
    checksums: (index, ids) => checksums(indexOf(index), ids),
    async swap(one, other) {
      const indexes: [string, string] = [indexUid(one), indexUid(other)];
      return (await client.swapIndexes([{ indexes, rename: false }])).taskUid;
    },
    async drop(index) {
      await client.deleteIndex(indexUid(index));
    },
  };
}

function isApiError(error: unknown, ...codes: string[]): boolean {
  return error instanceof MeilisearchApiError && codes.includes(error.cause?.code ?? "");
}

function nullWhenMissing(error: unknown): null {
  if (isApiError(error, "index_not_found")) return null;
  throw error;
}

async function enqueue(index: Index, changes: readonly Change[]): Promise<EnqueuedTask[]> {
  const tasks: EnqueuedTask[] = [];
  const shown = changes.filter(change => change.document !== null);
  const options = { primaryKey: "id" };
  try {
    for (const post of posts(shown.filter(change => !change.partial))) {
      const { taskUid } = await index.addDocumentsFromString(post.bodies.join("\n"), NDJSON, options);
      tasks.push({ task: taskUid, productIds: post.productIds });
    }
    for (const post of posts(shown.filter(change => change.partial))) {
      const { taskUid } = await index.updateDocumentsFromString(post.bodies.join("\n"), NDJSON, options);
      tasks.push({ task: taskUid, productIds: post.productIds });
    }
    const removed = changes.filter(change => change.document === null).map(change => change.productId);
    if (removed.length > 0) {
      const { taskUid } = await index.deleteDocuments(removed);
      tasks.push({ task: taskUid, productIds: removed });
    }
    return tasks;
  } catch (error) {
    if (error instanceof MeilisearchApiError && REFUSALS.has(error.response.status))
      throw new EngineRefusal(error.message);
    throw error;
  }
}

type Post = { bodies: string[]; productIds: string[]; bytes: number };

function posts(changes: readonly Change[]): Post[] {
  const all: Post[] = [];
  for (const change of changes) {
    const body = bodyOf(change);
    let last = all.at(-1);
    if (!last || last.bytes + body.length > MAX_POST_BYTES) {
      last = { bodies: [], productIds: [], bytes: 0 };
      all.push(last);
    }
    last.bodies.push(body);
    last.productIds.push(change.productId);
    last.bytes += body.length;
  }
  return all;
}

/** `v` is our version of the document; no search looks at it. */
function bodyOf({ productId, document, json, version, partial }: Change): string {
  if (json !== undefined && !partial) return `${json.slice(0, -1)},"v":${version}}`;
  const content = partial ? { id: productId, ...volatilePart(document!) } : document;
  return JSON.stringify({ ...content, v: version });
}

type Stored = SearchDocument & { v?: number };

async function held(index: Index, page: { offset: number; limit: number }): Promise<Held[]> {
  const { results } = await index.getDocuments<Stored>({ ...page, fields: ["id", "v"] });
  return results.map(({ id, v }) => ({ productId: id, version: v ?? 0 }));
}

async function checksums(index: Index, ids: readonly string[]): Promise<Map<string, string>> {
  const { results } = await index.getDocuments<Stored>({ ids: [...ids], limit: ids.length });
  return new Map(results.map(({ v: _version, ...document }) => [document.id, checksum(document)]));
}

async function taskState(client: Meilisearch, uid: number): Promise<TaskState> {
  try {
    const { status, error } = await client.tasks.getTask(uid);
    if (status === "succeeded") return { type: "succeeded" };
    if (status === "enqueued" || status === "processing") return { type: "pending" };
    const message = error?.message ?? `the task was ${status}`;
    return { type: error?.type === "invalid_request" ? "refused" : "lost", error: message };
  } catch (error) {
    if (isApiError(error, "task_not_found")) return { type: "lost", error: "the engine forgot the task" };
    throw error;
  }
}
