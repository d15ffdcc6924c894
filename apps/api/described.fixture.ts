/** For tests: whether a problem that an operation answered with is one that the API's description names for it. */
import type { AnyElysia } from "elysia";
import { openApiDocument } from "./http/openapi.ts";

type Operation = { responses: Record<string, { content?: Record<string, { examples?: object }> }> };
type Paths = Record<string, Record<string, Operation>>;

/** Of the application as a whole rather than of an operation, or of routes that only tests have. */
const OF_NO_OPERATION = new Set(["method_not_allowed", "internal_error"]);

/**
 * Checks each problem that comes. Paths that are no route's, and routes that only tests add, are left alone.
 * @throws Error that names what the description lacks.
 */
export function describedProblems(app: AnyElysia) {
  let paths: [pattern: RegExp, operations: Record<string, Operation>][] | undefined;
  const patterns = () => {
    const document = openApiDocument(app) as { paths: Paths };
    return Object.entries(document.paths).map(([path, operations]): [RegExp, Record<string, Operation>] => [
      new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+").replaceAll("*", ".*")}/?$`),
      operations,
    ]);
  };
  return async (method: string, url: string, answer: Response): Promise<void> => {
    if (!answer.headers.get("content-type")?.startsWith("application/problem+json")) return;
    paths ??= patterns();
    const path = url.split(/[?#]/)[0]!;
    const fitting = paths.filter(([pattern]) => pattern.test(path)).map(([, operations]) => operations);
    const operations = fitting.flatMap(one => one[method.toLowerCase()] ?? []);
    if (operations.length === 0 || path.startsWith("/drill/")) return;
    const { code } = (await answer.clone().json()) as { code: string };
    const isNamed = operations.some(one => {
      const examples = one.responses[answer.status]?.content?.["application/problem+json"]?.examples ?? {};
      return code in examples;
    });
    if (!isNamed && !OF_NO_OPERATION.has(code))
      throw new Error(
        `${method} ${path} answered ${answer.status} ${code}, which its description does not name`,
      );
  };
}
