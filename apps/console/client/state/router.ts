/** Addresses of views: paths under /console, by the History API. */
import { signal } from "./signal.ts";

export type Place = {
  /** `/jobs/0193…` for `/console/jobs/0193…`. */
  path: string;
  query: URLSearchParams;
};

const BASE = "/console";

function here(): Place {
  const { pathname, search } = window.location;
  return { path: pathname.slice(BASE.length).replace(/\/$/, "") || "/", query: new URLSearchParams(search) };
}

export const place = signal<Place>(here());

export const hrefOf = (path: string) => BASE + (path === "/" ? "" : path);

/** `replace`: the change is no step to go back to (a filter that was typed). */
export function go(path: string, { replace = false } = {}): void {
  const href = hrefOf(path);
  if (href === window.location.pathname + window.location.search) return;
  if (replace) window.history.replaceState(null, "", href);
  else window.history.pushState(null, "", href);
  const before = place.get();
  place.set(here());
  if (before.path !== place.get().path) window.scrollTo(0, 0);
}

/** Puts a filter into the address; an empty value takes it out. */
export function setQuery(name: string, value: string): void {
  const { path, query } = place.get();
  const next = new URLSearchParams(query);
  if (value === "") next.delete(name);
  else next.set(name, value);
  const text = next.toString();
  go(text ? `${path}?${text}` : path, { replace: true });
}

window.addEventListener("popstate", () => place.set(here()));
