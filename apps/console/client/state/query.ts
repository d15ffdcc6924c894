/** Reading a route while a view is open: loading, error, data, again when something changed, and page after page. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { type ApiError, ask } from "./api.ts";

export type Reading<T> = {
  data: T | undefined;
  error: ApiError | null;
  loading: boolean;
  /** Reads again; what is shown stays until the answer is there. */
  reload(): void;
  /** Shows this, for answers that came with a change. */
  put(data: T): void;
};

/** `path` null: nothing is read. `everyMs`: read again that long after each answer, while the page is seen. */
export function useRead<T>(path: string | null, { everyMs }: { everyMs?: number } = {}): Reading<T> {
  const [state, setState] = useState<{ path: string | null; data?: T; error: ApiError | null }>({
    path,
    error: null,
  });
  const [turn, setTurn] = useState(0);
  const [loading, setLoading] = useState(path !== null);

  useEffect(() => {
    if (path === null) return;
    const gone = new AbortController();
    setLoading(true);
    ask<T>(path, { signal: gone.signal }).then(
      data => {
        setState({ path, data, error: null });
        setLoading(false);
      },
      error => {
        if (gone.signal.aborted) return;
        setState(before => ({ ...(before.path === path ? before : { path }), path, error }));
        setLoading(false);
      },
    );
    return () => gone.abort();
  }, [path, turn]);

  const reload = useCallback(() => setTurn(before => before + 1), []);
  const put = useCallback((data: T) => setState({ path, data, error: null }), [path]);

  useEffect(() => {
    if (everyMs === undefined || loading || path === null) return;
    const timer = setTimeout(() => {
      if (document.visibilityState === "visible") reload();
      else document.addEventListener("visibilitychange", reload, { once: true });
    }, everyMs);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", reload);
    };
  }, [everyMs, loading, path, reload]);

  const mine = state.path === path;
  return { data: mine ? state.data : undefined, error: mine ? state.error : null, loading, reload, put };
}

export type Page<T> = { items: T[]; nextCursor: string | null };

export type Listing<T, P extends Page<T> = Page<T>> = Reading<P> & {
  items: T[];
  hasMore: boolean;
  more(): Promise<void>;
};

/** A list that is read page by page; `path` holds the filters and no cursor. */
export function useList<T, P extends Page<T> = Page<T>>(path: string | null): Listing<T, P> {
  const first = useRead<P>(path);
  const [rest, setRest] = useState<{ of: P | undefined; items: T[]; nextCursor: string | null }>();
  const busy = useRef(false);
  const later = rest && rest.of === first.data ? rest : undefined;
  const nextCursor = later ? later.nextCursor : (first.data?.nextCursor ?? null);

  const more = async () => {
    if (busy.current || nextCursor === null || path === null) return;
    busy.current = true;
    try {
      const sign = path.includes("?") ? "&" : "?";
      const page = await ask<P>(`${path}${sign}cursor=${encodeURIComponent(nextCursor)}`);
      setRest({
        of: first.data,
        items: [...(later?.items ?? []), ...page.items],
        nextCursor: page.nextCursor,
      });
    } finally {
      busy.current = false;
    }
  };
  const items = [...(first.data?.items ?? []), ...(later?.items ?? [])];
  return { ...first, items, hasMore: nextCursor !== null, more };
}
