/** The live stream of pools: one connection for all views, open while an operator is here. */
import { sessionIsOver } from "./api.ts";
import { loadSession } from "./session.ts";
import { signal } from "./signal.ts";
import type { Point, Snapshot } from "./wire.ts";

export type Connection = "off" | "connecting" | "live" | "away";

/** Five minutes at one sample a second. */
const KEPT = 300;

export const snapshot = signal<Snapshot | null>(null);
export const points = signal<Point[]>([]);
export const connection = signal<Connection>("off");
/** What does not answer, in the API's words. */
export const away = signal<string | null>(null);

let source: EventSource | null = null;

const greatest = (values: (number | null)[]) =>
  values.reduce((most, one) => (one === null || (most !== null && most >= one) ? most : one), null);
const sum = (values: number[]) => values.reduce((total, one) => total + one, 0);

function pointOf({ at, pools }: Snapshot): Point {
  const entries = pools.map(({ priority, kinds, processes }) => [
    priority,
    {
      waiting: sum(kinds.map(one => one.waiting)),
      running: sum(kinds.map(one => one.running)),
      perSecond: sum(kinds.map(one => one.perSecond)),
      p95Ms: greatest(kinds.map(one => one.p95Ms)),
      oldestMs: greatest(kinds.map(one => one.oldestMs)),
      processes: processes.filter(one => !one.draining).length,
    },
  ]);
  return { at, pools: Object.fromEntries(entries) };
}

export function openLive(): void {
  if (source) return;
  connection.set("connecting");
  const events = new EventSource("/console/events");
  source = events;
  const on = <T>(name: string, then: (data: T) => void) =>
    events.addEventListener(name, event => then(JSON.parse((event as MessageEvent<string>).data)));
  on<{ points: Point[] }>("history", data => {
    // After a reconnection the node may be another one, without our past.
    if (data.points.length >= points.get().length) points.set(data.points);
  });
  on<Snapshot>("pools", data => {
    snapshot.set(data);
    const known = points.get();
    if ((known.at(-1)?.at ?? 0) < data.at) points.set([...known, pointOf(data)].slice(-KEPT));
    away.set(null);
    connection.set("live");
  });
  on<{ detail: string }>("away", data => {
    away.set(data.detail);
    connection.set("away");
  });
  on("ended", () => {
    closeLive();
    sessionIsOver();
  });
  events.onerror = () => {
    connection.set("connecting");
    // 2: the server refused (the session may be over, the node may be starting); the browser does not try again.
    if (events.readyState === 2 && source === events) {
      source = null;
      void loadSession();
      setTimeout(() => connection.get() === "connecting" && openLive(), 3_000);
    }
  };
}

export function closeLive(): void {
  source?.close();
  source = null;
  connection.set("off");
  snapshot.set(null);
  points.set([]);
  away.set(null);
}
