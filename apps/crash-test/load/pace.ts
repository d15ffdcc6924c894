/**
 * A bounded rate that does not depend on how the stack does: a new item comes at its time, also while others wait. Beyond
 * `most` at once it waits, so that a stack that is away meets no more clients than that when it is back.
 */
export type Source = {
  readonly name: string;
  readonly perSecond: number;
  readonly most: number;
  /** Runs one item to its end. */
  run(index: number): Promise<void>;
};

export type Running = {
  /** How many of a source ended in the last `ms`. */
  ended(name: string, ms: number): number;
  /** No more items; resolves when those that run have ended. */
  stop(): Promise<void>;
};

const REMEMBERED = 1_000;

export function runSources(sources: readonly Source[]): Running {
  const ends = new Map(sources.map(source => [source.name, [] as number[]]));
  const stopped = Promise.withResolvers<void>();
  let isStopped = false;
  const loops = sources.map(async source => {
    const open = new Set<Promise<void>>();
    const began = performance.now();
    for (let index = 0; !isStopped; index++) {
      const dueMs = began + (index * 1_000) / source.perSecond - performance.now();
      if (dueMs > 0) await Promise.race([Bun.sleep(dueMs), stopped.promise]);
      while (open.size >= source.most && !isStopped) await Promise.race([...open, stopped.promise]);
      if (isStopped) break;
      const one: Promise<void> = source.run(index).finally(() => {
        open.delete(one);
        const list = ends.get(source.name)!;
        if (list.push(performance.now()) > REMEMBERED) list.splice(0, REMEMBERED / 2);
      });
      open.add(one);
    }
    await Promise.all(open);
  });
  return {
    ended(name, ms) {
      const since = performance.now() - ms;
      return ends.get(name)?.filter(at => at >= since).length ?? 0;
    },
    async stop() {
      isStopped = true;
      stopped.resolve();
      await Promise.all(loops);
    },
  };
}
