/** A value that views follow. */
import { useEffect, useState } from "preact/hooks";

export type Signal<T> = {
  get(): T;
  set(value: T): void;
  /** Calls back at each change. Returns the way to stop. */
  follow(listener: (value: T) => void): () => void;
};

export function signal<T>(initial: T): Signal<T> {
  let value = initial;
  const listeners = new Set<(value: T) => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) listener(value);
    },
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function useSignal<T>(source: Signal<T>): T {
  const [value, setValue] = useState(() => source.get());
  useEffect(() => {
    // It may have changed between the first rendering and now.
    setValue(() => source.get());
    return source.follow(next => setValue(() => next));
  }, [source]);
  return value;
}
