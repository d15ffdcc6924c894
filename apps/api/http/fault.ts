/**
 * What the server answers when a response can't be sent, the application being through with it: a file was removed
 * between the answer and its bytes. Left alone, Bun would send a page with paths of this machine.
 */
import { Problem } from "../../../platform/errors.ts";
import { newTraceparent } from "../../../platform/trace.ts";
import { internalError, problemDocument } from "./problem.ts";

const gone = new Problem(404, "not_found", "There is no such file.");

export function answerFault(error: unknown): Response {
  const problem = (error as { code?: unknown }).code === "ENOENT" ? gone : internalError;
  return Response.json(problemDocument(problem, newTraceparent()), {
    status: problem.status,
    headers: { "content-type": "application/problem+json; charset=utf-8", "cache-control": "no-store" },
  });
}
