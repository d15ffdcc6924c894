/**
 * Group commit: calls that wait at the same moment go out as one. The first call after a quiet time goes at once, alone;
 * what comes while `lanes` groups are under way waits and goes together. So nobody waits for others to come, and the
 * busier it is the larger the groups.
 *
 * A group that fails is halved until the faulty call fails alone, so one call's error never reaches another; `run` must
 * therefore leave nothing behind when it throws. An error that says nothing of what was done (`isDefinite` false: a lost
 * connection, say) fails the whole group.
 */
import { openGathering } from "./gathering.ts";

export type GroupedOptions<Q, A> = {
  /** Answers in the order of the questions. */
  run(questions: readonly Q[]): Promise<readonly A[]>;
  /** Most calls in a group; 1: each by itself. */
  max: number;
  /** Groups under way at once; `few`: one more where no more than this wait, as a small group mostly waits for the disk. */
  lanes: number;
  few?: number;
  /**
   * For calls whose answer nobody waits for: after a group of `from` calls or more the next begins `ms` after it began, unless it is
   * full before. Most of a group's cost is the same however small it is.
   */
  gather?: { readonly ms: number; readonly from: number };
  /** Whether this error means that nothing of the group was done. */
  isDefinite(error: unknown): boolean;
};

type Call<Q, A> = { question: Q; resolve(answer: A): void; reject(error: unknown): void };

/** One {@link grouped} for each `key` (a database handle, say), made when it is first asked. */
export function groupedBy<K extends WeakKey, Q, A>(
  make: (key: K) => GroupedOptions<Q, A>,
): (key: K, question: Q) => Promise<A> {
  const known = new WeakMap<K, (question: Q) => Promise<A>>();
  return (key, question) => {
    const ask = known.get(key) ?? grouped(make(key));
    known.set(key, ask);
    return ask(question);
  };
}

export function grouped<Q, A>(options: GroupedOptions<Q, A>): (question: Q) => Promise<A> {
  // Each by itself: no lanes either, as if there were no grouping.
  const lanes = options.max === 1 ? Number.POSITIVE_INFINITY : options.lanes;
  const waiting: Call<Q, A>[] = [];
  let underWay = 0;
  const isFree = () => underWay < lanes + Number(waiting.length <= (options.few ?? 0));
  const gathering = openGathering({
    waiting: () => waiting.length,
    isFree,
    isEnough: () => waiting.length >= options.max,
    gather: options.gather,
    flush,
  });

  /** `over` is called when its lane is free: the next group is on its way while these answers are dealt with. */
  async function send(calls: readonly Call<Q, A>[], over = () => {}): Promise<void> {
    try {
      const answers = await options.run(calls.map(call => call.question));
      over();
      calls.forEach((call, i) => {
        call.resolve(answers[i]!);
      });
    } catch (error) {
      if (calls.length === 1 || !options.isDefinite(error)) {
        for (const call of calls) call.reject(error);
        return;
      }
      const half = calls.length >> 1;
      await send(calls.slice(0, half));
      await send(calls.slice(half));
    }
  }

  function flush(): void {
    while (waiting.length > 0 && isFree()) {
      const group = waiting.splice(0, options.max);
      gathering.began(group.length);
      underWay++;
      let isOver = false;
      const over = () => {
        if (isOver) return;
        isOver = true;
        underWay--;
        if (options.gather) gathering.plan();
        else flush();
      };
      void send(group, over).finally(over);
    }
  }

  return question =>
    new Promise<A>((resolve, reject) => {
      waiting.push({ question, resolve, reject });
      gathering.plan();
    });
}
