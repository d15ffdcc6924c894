/** What an answer must never be, whatever was asked. */
import type { Plan } from "./plan.ts";
import type { World } from "./world.ts";

export type Answer = { status: number; headers: Headers; text: string };

const problemFields = ["type", "title", "status", "detail", "code", "traceId"];

/** Refusals of ours that say "not now" and when to come back; whatever else is 5xx is a defect. */
const allowed5xx: Readonly<Record<number, ReadonlySet<string>>> = {
  503: new Set(["unavailable"]),
  504: new Set(["payment_unanswered"]),
};

/** Of our programs, our database, our search engine. */
const innards: readonly [RegExp, string][] = [
  [/\bat (?:async )?\S+ \(?\/\S+:\d+:\d+/, "a stack"],
  [/node_modules|\/(?:home|tmp|root|usr|var|work)\/\S/, "a path of this machine"],
  [/\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM)\b.{1,200}\b(?:FROM|VALUES|SET|WHERE)\b/s, "SQL"],
  [
    /syntax error at or near|violates \w+ constraint|relation "\w|duplicate key value|invalid input syntax/,
    "SQL",
  ],
  [
    /\bPostgresError\b|\bTypeError\b|\bSyntaxError\b|\bRangeError\b|undefined is not|Cannot read prop/,
    "an error",
  ],
  [/meilisearch\.com|invalid_search_|Index `/i, "the search engine's words"],
  [/127\.0\.0\.1:\d{2,5}|ECONNREFUSED/, "an address within"],
];

/** Everything that is wrong with an answer; empty when nothing is. */
export function faultsOf(plan: Plan, answer: Answer, world: World): string[] {
  return [...statusFaults(plan, answer), ...headerFaults(plan, answer), ...leaks(plan, answer, world)];
}

function statusFaults(plan: Plan, { status, headers, text }: Answer): string[] {
  if (status < 400) return [];
  if (plan.method === "HEAD" || text === "") {
    return plan.method === "HEAD" || status === 304
      ? serverFault(status, undefined)
      : [`${status} without a body`];
  }
  if (plan.target.startsWith("/readyz")) return [];
  const type = headers.get("content-type") ?? "";
  if (!type.startsWith("application/problem+json")) return [`${status} is ${type}, no problem document`];
  const problem = JSON.parse(text) as Record<string, unknown> & { errors?: unknown };
  const faults = serverFault(status, String(problem.code));
  for (const field of problemFields) if (!(field in problem)) faults.push(`the problem has no ${field}`);
  if (problem.status !== status) faults.push("the problem's status is another");
  if (!/^[a-z][a-z0-9_]*$/.test(String(problem.code))) faults.push(`the code is ${problem.code}`);
  return [...faults, ...fieldFaults(problem)];
}

function serverFault(status: number, code: string | undefined): string[] {
  if (status < 500) return [];
  return code !== undefined && allowed5xx[status]?.has(code) ? [] : [`${status} ${code ?? ""}`];
}

/** A refused field is named. */
function fieldFaults({ code, errors }: { code?: unknown; errors?: unknown }): string[] {
  if (errors === undefined) return [];
  if (!Array.isArray(errors) || errors.length === 0) return [`${code} has no errors in its list`];
  const isNamed = (one: { path?: unknown; message?: unknown }) =>
    typeof one.path === "string" && one.path !== "" && typeof one.message === "string" && one.message !== "";
  return errors.every(isNamed) ? [] : [`${code} has an error without path or message`];
}

function headerFaults({ target }: Plan, { status, headers, text }: Answer): string[] {
  const faults: string[] = [];
  if (headers.get("x-content-type-options") !== "nosniff") faults.push("no nosniff");
  // What is answered before the application (files, hot answers of the shop) has no id of its own.
  const isReady =
    target.startsWith("/media/") || (target.startsWith("/store/") && headers.get("x-cache") === "HIT");
  if (!headers.has("x-request-id") && !isReady) faults.push("no request id");
  if (status === 503 && text !== "" && !target.startsWith("/readyz") && !headers.has("retry-after")) {
    faults.push("503 without Retry-After");
  }
  if (headers.has("x-injected")) faults.push("a header was injected");
  return faults;
}

function leaks(plan: Plan, { status, text }: Answer, { mine, other, opsKey }: World): string[] {
  const faults: string[] = [];
  // What people have stored comes back in good answers, and may look like anything.
  if (status >= 400) {
    for (const [pattern, what] of innards) if (pattern.test(text)) faults.push(`the problem tells ${what}`);
  }
  const secrets = [opsKey, mine.secret, other.secret, other.session, mine.session, other.publishable];
  if (secrets.some(secret => text.includes(secret))) faults.push("the answer holds a key");
  if (!plan.seesAll && text.includes(other.marker)) faults.push("the answer holds the other shop's data");
  return faults;
}
