/**
 * Which requests of this process have caused jobs. A node that writes down its requests (requests.ts) follows; in other
 * processes nothing is noted.
 */
const MOST = 20_000;

let traces: Set<string> | null = null;

export function followCauses(): void {
  traces ??= new Set();
}

/** A job was made on behalf of this trace. */
export function noteCause(traceparent: string): void {
  if (traces === null) return;
  traces.add(traceparent);
  // Whoever caused this did not ask: the oldest goes, as a Set keeps its order.
  if (traces.size > MOST) traces.delete(traces.values().next().value!);
}

/** Whether a request has caused a job; asked once, when it ends. */
export function hasCaused(traceparent: string): boolean {
  return traces?.delete(traceparent) ?? false;
}
