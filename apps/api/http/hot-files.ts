/**
 * Files that are asked for again and again, answered before a request reaches the application: the shell around our routes
 * costs more than a file that the kernel sends by itself. Only what is the same for everybody comes here: a plain
 * `GET` of a path whose content never changes. Whatever else it is (a condition, a range, a query, HEAD), and
 * everything while this node drains, goes the long way.
 *
 * A file that is deleted may be asked of us for {@link TRUSTED_MS} more: then opening it fails, which is the server's
 * error handler's business (main.ts). Such answers are counted like others and are not in the access log.
 */
import type { ApiDeps } from "../deps.ts";
import { answersOf } from "./observe.ts";
import { perNode } from "./per-node.ts";

export type HotFiles = {
  /** The answer, when it is one that we know. */
  answer(request: Request): Response | undefined;
  /** From now on `path` is answered with this file. `blob` must be a file on disk: its bytes are not held in memory. */
  keep(path: string, blob: Blob, headers: Readonly<Record<string, string>>): void;
};

/** After that the long way makes sure that the file is still there. */
const TRUSTED_MS = 5_000;
const MAX_FILES = 2_000;

type HotFile = { blob: Blob; headers: Record<string, string>; until: number };

export const hotFilesOf = perNode((deps: ApiDeps): HotFiles => {
  const files = new Map<string, HotFile>();
  const answers = answersOf(deps).labels("GET", "/media/:file", "200");
  const node = deps.config.processName || `api-${process.pid}`;
  return {
    answer(request) {
      if (request.method !== "GET" || deps.drain?.active) return undefined;
      const { url } = request;
      const path = url.slice(url.indexOf("/", "https://".length));
      const file = files.get(path);
      if (file === undefined) return undefined;
      const startedAt = performance.now();
      if (file.until < startedAt) {
        files.delete(path);
        return undefined;
      }
      const given = request.headers;
      if (given.has("if-none-match") || given.has("range")) return undefined;
      const response = new Response(file.blob, { headers: file.headers });
      answers.observe((performance.now() - startedAt) / 1_000);
      return response;
    },
    keep(path, blob, headers) {
      if (files.size >= MAX_FILES) files.delete(files.keys().next().value!);
      files.set(path, {
        blob,
        headers: { ...headers, "x-node": node },
        until: performance.now() + TRUSTED_MS,
      });
    },
  };
});
