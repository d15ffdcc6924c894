/**
 * Files that are asked for again and again, answered before a request reaches the application: the shell around our routes
 * costs more than a file that the kernel sends by itself. Only what is the same for everybody comes here: a plain
 * `GET` of a path whose content never changes. Whatever else it is (a condition, a range, a query, HEAD), and
 * everything while this node drains, goes the long way.
 *
 * Small files are held in memory, within a bound: that halves the cost of an answer once more. Large ones are sent by the
 * kernel. Either is trusted for {@link TRUSTED_MS}; after that the long way makes sure that the file is still there. A large
 * one may be gone sooner: then opening it fails, which is the business of the server's error handler (main.ts).
 *
 * Such answers are counted like others and are not in the access log.
 */
import type { ApiDeps } from "../deps.ts";
import { answersOf } from "./observe.ts";
import { perNode } from "./per-node.ts";

export type HotFiles = {
  /** The answer, when it is one that we know. */
  answer(request: Request): Response | undefined;
  /** From now on `path` is answered with this file. `blob` must be a file on disk of so many bytes. */
  keep(path: string, file: { blob: Blob; bytes: number; headers: Readonly<Record<string, string>> }): void;
};

const TRUSTED_MS = 5_000;
const MAX_FILES = 2_000;
const SMALL_BYTES = 256 * 1024;
const MEMORY_BYTES = 24 * 1024 * 1024;

type HotFile = {
  body: Blob | Uint8Array<ArrayBuffer>;
  /** Of memory. */
  bytes: number;
  headers: Record<string, string>;
  until: number;
};

export const hotFilesOf = perNode((deps: ApiDeps): HotFiles => {
  const files = new Map<string, HotFile>();
  const answers = answersOf(deps).labels("GET", "/media/:file", "200");
  const node = deps.config.processName || `api-${process.pid}`;
  let held = 0;

  function forget(path: string): void {
    held -= files.get(path)?.bytes ?? 0;
    files.delete(path);
  }

  function add(path: string, file: HotFile): void {
    forget(path);
    files.set(path, file);
    held += file.bytes;
    while (files.size > MAX_FILES || held > MEMORY_BYTES) forget(files.keys().next().value!);
  }

  return {
    answer(request) {
      if (request.method !== "GET" || deps.drain?.active) return undefined;
      const { url } = request;
      const path = url.slice(url.indexOf("/", "https://".length));
      const file = files.get(path);
      if (file === undefined) return undefined;
      const startedAt = performance.now();
      if (file.until < startedAt) {
        forget(path);
        return undefined;
      }
      const given = request.headers;
      if (given.has("if-none-match") || given.has("range")) return undefined;
      const response = new Response(file.body, { headers: file.headers });
      answers.observe((performance.now() - startedAt) / 1_000);
      return response;
    },
    keep(path, { blob, bytes, headers }) {
      const kept = { body: blob, bytes: 0, headers: { ...headers, "x-node": node }, until: 0 };
      const until = performance.now() + TRUSTED_MS;
      add(path, { ...kept, until });
      if (bytes > SMALL_BYTES) return;
      const read = (body: Uint8Array<ArrayBuffer>) => add(path, { ...kept, body, bytes: body.length, until });
      // A file that can't be read now is tried when it is sent.
      blob.bytes().then(read, () => {});
    },
  };
});
