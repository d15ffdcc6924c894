/**
 * The generator of an open loop, a process of its own: it reads an OpenLoad as JSON from standard input, sends each request
 * at its intended departure, and prints what came of it as JSON. See open.ts.
 *
 * A request that finds no free connection waits in its turn; its latency counts from the intended departure all the
 * same. So a server that stands still for a second is seen by all who would have come in that second, and not by
 * the few who happened to be there ("coordinated omission").
 */
import { CountingConnection } from "./counting-connection.ts";
import { departures, Punctuality, randomFrom } from "./departures.ts";
import { Histogram } from "./histogram.ts";
import type { KindData, OpenData, OpenLoad } from "./open.ts";

/** After the last departure: the answers that are still out get this long. */
const PATIENCE_MS = 30_000;
const TICK_MS = 1;
const MAX_SAMPLES = 3;

type Kind = KindData & { slicesOf: Histogram[]; next: number };

const load = (await Bun.stdin.json()) as OpenLoad;
const kinds = new Map(load.kinds.map(kind => [kind.name, emptyKind(kind.name, load.slices)]));
const pick = picker(load);
const plan = departures(load);
const punctuality = new Punctuality();
const connections = Array.from(
  { length: load.maxInFlight },
  (_, i) => new CountingConnection(load.ports[i % load.ports.length]!),
);
await Promise.all(connections.map(one => one.open()));
/** Used in turn, so that each node has its share of the load at any time: the last ones over and over would be those of one node. */
const free = connections.slice();

const startedAt = performance.now();
let intended = 0;
let sent = 0;
let answered = 0;
let next = plan.next();
const over = Promise.withResolvers<void>();

const ticker = setInterval(sendDue, TICK_MS);
sendDue();
const patience = setTimeout(() => over.resolve(), load.seconds * 1_000 + PATIENCE_MS);
await over.promise;
clearInterval(ticker);
clearTimeout(patience);
while (!next.done) leave();
const data: OpenData = {
  seconds: (performance.now() - startedAt) / 1_000,
  intended,
  sent,
  answered,
  lateness: punctuality.result(),
  kinds: [...kinds.values()].map(({ slicesOf, next: _, ...kind }) => ({
    ...kind,
    slices: slicesOf.map(one => one.data()),
  })),
};
console.log(JSON.stringify(data));
process.exit();

/** Takes the next departure off the plan. */
function leave(): number {
  const atMs = next.value as number;
  intended++;
  next = plan.next();
  return atMs;
}

function sendDue(): void {
  for (;;) {
    if (next.done) return void (answered === sent && free.length === connections.length && over.resolve());
    if (free.length === 0) return;
    const now = performance.now() - startedAt;
    if ((next.value as number) > now) return;
    const atMs = leave();
    punctuality.left(now - atMs, true);
    send(free.shift()!, atMs);
  }
}

function send(connection: CountingConnection, atMs: number): void {
  const kind = pick();
  const own = kinds.get(kind.name)!;
  const request = kind.requests[own.next % kind.requests.length]!;
  // What may be asked once only is not asked again: that the plan holds more is told by `missing`.
  if (kind.once && own.next >= kind.requests.length) {
    own.missing++;
    free.push(connection);
    return;
  }
  own.next++;
  sent++;
  connection.send(request, (status, text) => {
    answered++;
    const now = performance.now() - startedAt;
    count(own, kind.expect, { status, text, atMs, tookMs: now - atMs });
    free.push(connection);
    sendWaiting(now);
  });
}

/** A connection has become free: whoever waits for one leaves now. */
function sendWaiting(now: number): void {
  if (next.done) sendDue();
  if (next.done || free.length !== 1 || (next.value as number) > now) return;
  const atMs = leave();
  punctuality.left(now - atMs, false);
  send(free.shift()!, atMs);
}

type Answered = { status: number; text: string; atMs: number; tookMs: number };

function count(kind: Kind, expect: readonly number[], { status, text, atMs, tookMs }: Answered): void {
  kind.statuses[status] = (kind.statuses[status] ?? 0) + 1;
  const slice = Math.min(load.slices - 1, Math.floor((atMs / (load.seconds * 1_000)) * load.slices));
  kind.slicesOf[slice]!.record(tookMs);
  if (expect.includes(status)) return;
  kind.unexpected++;
  if (kind.samples.length < MAX_SAMPLES) kind.samples.push(text.slice(0, 800));
}

function emptyKind(name: string, slices: number): Kind {
  return {
    name,
    statuses: {},
    unexpected: 0,
    missing: 0,
    samples: [],
    slices: [],
    slicesOf: Array.from({ length: slices }, () => new Histogram()),
    next: 0,
  };
}

/** By share, from a random row of its own, so that the arrivals stay the same when the mix changes. */
function picker({ kinds: all, seed }: OpenLoad): () => OpenLoad["kinds"][number] {
  const random = randomFrom(seed + 1);
  const total = all.reduce((sum, kind) => sum + kind.share, 0);
  return () => {
    let left = random() * total;
    for (const kind of all) {
      left -= kind.share;
      if (left < 0) return kind;
    }
    return all.at(-1)!;
  };
}
