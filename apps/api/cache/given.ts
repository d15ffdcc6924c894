/** How routes give what is kept: with the headers that tell of it, and for the next ones to be answered without a route. */
import type { Ask } from "../../../platform/cache/index.ts";
import type { ApiDeps } from "../deps.ts";
import { hotAnswersOf } from "../http/hot-answers.ts";
import { cacheOf } from "./index.ts";
import { isPublic } from "./lifetimes.ts";

type Asked = {
  readonly request: Request;
  readonly set: { headers: Record<string, string | number> };
  readonly route: string;
  readonly storeId: string;
};

/** `T`: what the answer is of, for the types of the routes; given is a `ReadyAnswer`, which the shell knows how to send. */
export function giving(deps: ApiDeps): <T>(asked: Asked, ask: Ask) => Promise<T> {
  const { cache } = cacheOf(deps);
  const hot = hotAnswersOf(deps);
  return async ({ request, set, route, storeId }, ask) => {
    const { slot, outcome } = await cache.get(ask);
    set.headers["x-cache"] = outcome.toUpperCase();
    set.headers.age = Math.max(0, Math.floor((performance.now() - slot.madeAt) / 1_000));
    if (isPublic(ask.family.name))
      hot.keep(request, {
        ...{ answer: slot.value, route, storeId, madeAt: slot.madeAt },
        isLive: now => cache.isHot(slot, now),
        onGiven: cache.hotCount(ask.family, slot),
      });
    return slot.value as never;
  };
}
