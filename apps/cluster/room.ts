/**
 * A server that must not meet a full disk. nats-server 2.9 that can't write stays locked when there is room again, and may have
 * forgotten what it acknowledged when it is started after that. So it is asked to end while there is still room for what it has to
 * write, and is started when there is room again; meanwhile all is as with NATS away: jobs wait in the outbox, flash
 * checkouts go past the queue.
 *
 *   running → (less room than the reserve) SIGTERM → held (its unit's start waits) → (room and a quarter more) → running
 *
 * The next look comes before the fastest disk could have written up to the reserve. Killed at any point, the next supervisor looks
 * before it starts the server, and refuses to start without room (services.ts).
 */
import { statfsSync } from "node:fs";
import type { Log } from "../../platform/log.ts";
import { pause } from "../../platform/pause.ts";
import { end } from "./process.ts";
import type { Unit } from "./unit.ts";

const MOST_RESERVED_BYTES = 256 * 1_048_576;
/** Of a small disk. */
const RESERVED_SHARE = 0.2;
/** Bytes that anybody may write to the disk in a millisecond. */
const FASTEST = 1_048_576;
const LOOK_MS = { min: 20, max: 2_000 };
/** Where it does not run. */
const HELD_LOOK_MS = 100;
/** A server that is asked to end writes what it has and closes its files. */
const END_MS = 10_000;

/** In bytes: what is free, and what is kept free. */
export type Space = { readonly free: number; readonly reserve: number };

export function spaceIn(folder: string): Space {
  const { bavail, bsize, blocks } = statfsSync(folder);
  return { free: bavail * bsize, reserve: Math.min(MOST_RESERVED_BYTES, blocks * bsize * RESERVED_SHARE) };
}

export type Room = {
  /** Resolves when there is room to start in. @throws when it is closed before. */
  there(): Promise<void>;
  /** Ends the server whenever its disk is nearly full, until this is closed. */
  keep(unit: Unit): void;
  close(): void;
};

/** `space`: of the folder that the server writes to. */
export function watchRoom(space: () => Space, { log }: { log: Log }): Room {
  const closing = new AbortController();
  const { signal } = closing;
  /** Returns the time until the next look. */
  const look = async (unit: Unit): Promise<number> => {
    const { free, reserve } = space();
    const ref = unit.current();
    if (!ref) return HELD_LOOK_MS;
    if (free < reserve) {
      const told = { unit: unit.name, ...inMb(free, reserve) };
      log.error(told, "its disk is nearly full; it is held until there is room");
      await end(ref, { patienceMs: END_MS });
    }
    return Math.min(LOOK_MS.max, Math.max(LOOK_MS.min, (free - reserve) / FASTEST));
  };
  const watch = async (unit: Unit) => {
    // A folder that has vanished tells nothing of its disk.
    while (!signal.aborted) await pause(await look(unit).catch(() => LOOK_MS.max), signal);
  };
  return {
    async there() {
      while (!signal.aborted) {
        const { free, reserve } = space();
        if (free >= reserve * 1.25) return;
        await pause(HELD_LOOK_MS, signal);
      }
      throw new Error("there was no room until the stop");
    },
    keep: unit => void watch(unit),
    close: () => closing.abort(),
  };
}

/** Why a server can't be started there; null: it can. */
export function lacksRoom(folder: string): string | null {
  const { free, reserve } = spaceIn(folder);
  if (free >= reserve) return null;
  const { freeMb, wantedMb } = inMb(free, reserve);
  return `the disk under ${folder} is nearly full: ${freeMb} MB are free, ${wantedMb} MB are wanted`;
}

function inMb(free: number, reserve: number) {
  return { freeMb: Math.floor(free / 1_048_576), wantedMb: Math.ceil(reserve / 1_048_576) };
}
