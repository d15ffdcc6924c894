/** What a node knows of the lanes: a picture that is at most {@link FRESH_MS} old, taken only while somebody asks. */
import { type Connection, LANES, type LaneState, laneStates } from "../../../bus/index.ts";
import type { Place, QueuePosition } from "./model.ts";

const FRESH_MS = 250;
/** A NATS server that says nothing for so long is done without. */
const PATIENCE_MS = 1_000;
/** Before a lane was seen moving. */
const ASSUMED_PER_SECOND = 500;
const MAX_ESTIMATE_S = 3_600;

export type Queue = {
  /** How many wait in the lane, those included that this node has queued since the picture was taken. */
  depth(lane: number): Promise<number>;
  /** Null when the place is behind those that were served. */
  position(place: Place): Promise<QueuePosition | null>;
  secondsFor(lane: number, orders: number): number;
  /** Tells that this node has queued one. */
  added(lane: number): void;
};

type Picture = { atMs: number; lanes: readonly LaneState[] };

export function openQueue(connection: Connection): Queue {
  let picture: Picture | undefined;
  let taking: Promise<Picture> | undefined;
  const added = new Array<number>(LANES).fill(0);
  const perSecond = new Array<number>(LANES).fill(ASSUMED_PER_SECOND);

  async function take(): Promise<Picture> {
    const late = Bun.sleep(PATIENCE_MS).then(() => Promise.reject(new Error("the lanes do not answer")));
    late.catch(() => {});
    const lanes = await Promise.race([laneStates(connection), late]);
    const next = { atMs: performance.now(), lanes };
    if (picture) learnPace(picture, next, perSecond);
    added.fill(0);
    picture = next;
    return next;
  }
  function fresh(): Promise<Picture> | Picture {
    if (picture && performance.now() - picture.atMs < FRESH_MS) return picture;
    if (!taking) {
      taking = take().finally(() => {
        taking = undefined;
      });
      // Whoever waits for it hears of a failure; maybe nobody does.
      taking.catch(() => {});
    }
    // Better a picture of a second ago than to wait for each new one.
    return picture && performance.now() - picture.atMs < 4 * FRESH_MS ? picture : taking;
  }
  const secondsFor = (lane: number, orders: number) =>
    Math.min(MAX_ESTIMATE_S, Math.max(1, Math.ceil(orders / perSecond[lane]!)));

  return {
    async depth(lane) {
      const { lanes } = await fresh();
      return lanes[lane]!.waiting + added[lane]!;
    },
    async position({ lane, seq }) {
      const { lanes } = await fresh();
      const { floorSeq, waiting } = lanes[lane]!;
      if (seq <= floorSeq && waiting > 0) return null;
      if (waiting === 0) {
        // An empty lane says nothing of sequences; a place that came after the picture is next.
        return added[lane]! > 0 ? { position: added[lane]!, estimatedSeconds: 1 } : null;
      }
      // Sequences count all lanes, what waits counts this one: the place is not behind either of them.
      const position = Math.max(1, Math.min(seq - floorSeq, waiting + added[lane]!));
      return { position, estimatedSeconds: secondsFor(lane, position) };
    },
    secondsFor,
    added(lane) {
      added[lane]!++;
    },
  };
}

function learnPace(before: Picture, now: Picture, perSecond: number[]): void {
  const seconds = (now.atMs - before.atMs) / 1_000;
  now.lanes.forEach((lane, i) => {
    const settled = lane.settled - before.lanes[i]!.settled;
    if (settled > 0 && seconds > 0.05) perSecond[i] = 0.7 * perSecond[i]! + 0.3 * (settled / seconds);
  });
}
