/**
 * A request does not hang because Postgres does. A frozen server (or one behind a broken network) keeps its connections and
 * says nothing, and the driver waits. So when a request has had no answer for a second, Postgres is asked for a sign of life
 * (lifesign.ts); when none has come after another 650 ms, what is kept for the request is given, and where nothing is, it
 * is answered with 503. While Postgres answers, requests take the time they need.
 *
 * What the handler has begun goes on behind the caller's back and ends when Postgres goes on: as with a reply that was lost
 * on its way, the caller can't know and asks again with the same Idempotency-Key. When {@link MAX_LEFT} are left so, further
 * requests are refused at once, so that they don't pile up; answers that are kept (hot-answers.ts) are given before this.
 */
import { unavailable } from "../../../platform/errors.ts";
import { beginRequest } from "./context.ts";
import type { Lifesign } from "./lifesign.ts";
import { problemDocument } from "./problem.ts";

const PATIENCE_MS = 1_000;
const TICK_MS = 100;
const SIGN_MS = 600;
/** Once more, in case that it was this process that stood still: what has come meanwhile is read in this time. */
const LAST_LOOK_MS = 50;
/** For what is kept, once it is known that Postgres gives nothing. */
const KEPT_MS = 100;
const MAX_LEFT = 1_000;

type Fetch = (request: Request) => Response | Promise<Response>;

/** They tell what is away, each in its own time. */
const TELLING = /^https?:\/\/[^/]+\/(?:healthz|readyz|metrics)(?:\?|$)/;

/** A request that has no answer yet; `answer` and `request` are let go of when it has. */
type Waiting = {
  request: Request | undefined;
  answer: Promise<Response> | undefined;
  readonly resolve: (response: Response) => void;
};

export function patiently(fetch: Fetch, lifesign: Lifesign): Fetch {
  let left = 0;
  const watch = openWatch(waiting => void lookAfter(waiting));

  async function lookAfter({ request, answer, resolve }: Waiting): Promise<void> {
    if (!request || !answer) return;
    const sign = Promise.race([answer, lifesign.answers()]);
    if ((await within(sign, SIGN_MS)) || (await within(sign, LAST_LOOK_MS))) return;
    lifesign.giveUp();
    if (await within(answer, KEPT_MS)) return;
    left++;
    const over = () => {
      left--;
    };
    answer
      .then(
        response => void response.body?.cancel(),
        () => {},
      )
      .finally(over);
    resolve(refusal(request));
  }

  function answered(request: Request, answer: Promise<Response>): Promise<Response> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { request, answer, resolve };
      const isOver = () => {
        waiting.request = waiting.answer = undefined;
      };
      answer.then(
        response => {
          isOver();
          resolve(response);
        },
        error => {
          isOver();
          reject(error);
        },
      );
      watch(waiting);
    });
  }

  return request => {
    if (TELLING.test(request.url)) return fetch(request);
    if (left >= MAX_LEFT) return refusal(request);
    const answer = fetch(request);
    return answer instanceof Promise ? answered(request, answer) : answer;
  };
}

/**
 * Calls back for who still waits after {@link PATIENCE_MS}, up to a tick later. One timer for all, and none while nobody
 * waits: a timer for each is a twentieth of what a node does.
 */
function openWatch(onLate: (waiting: Waiting) => void): (waiting: Waiting) => void {
  let timer: Timer | undefined;
  let latest: Waiting[] = [];
  /** By tick, the oldest first. */
  let earlier: Waiting[][] = [];

  function tick(): void {
    earlier.push(latest);
    latest = [];
    if (earlier.length > PATIENCE_MS / TICK_MS) earlier.shift()!.forEach(onLate);
    if (earlier.some(some => some.length > 0)) return;
    clearInterval(timer);
    timer = undefined;
    earlier = [];
  }

  return waiting => {
    latest.push(waiting);
    timer ??= setInterval(tick, TICK_MS);
  };
}

/** Whether it is settled within the time. */
async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const over = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => over.resolve(false), ms);
  const settled = () => true;
  return Promise.race([promise.then(settled, settled), over.promise]).finally(() => clearTimeout(timer));
}

function refusal(request: Request): Response {
  const { traceparent, requestId } = beginRequest(request.headers);
  const problem = unavailable("The database");
  return Response.json(problemDocument(problem, traceparent), {
    status: problem.status,
    headers: {
      ...problem.more.headers,
      "content-type": "application/problem+json; charset=utf-8",
      "cache-control": "no-store",
      "x-request-id": requestId,
      "x-content-type-options": "nosniff",
      traceparent,
    },
  });
}
