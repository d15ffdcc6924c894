/**
 * Processes of one program on this host, numbered. Growing starts processes with the next free numbers; shrinking lets the
 * highest numbers finish and leave, in their own time.
 *
 * One is replaced in one of two ways: at once (`replace`: it is let go while its successor starts), or without a gap
 * (`roll`: coming → running, and only then running → leaving). A successor that does not come to work within its time
 * is ended and the one that ran goes on, so that a release that can't start takes nothing down. A kill of the supervisor in
 * the middle leaves both running; the next start ends them like all others (leftovers.ts).
 */
import type { Program } from "./programs.ts";
import type { Unit } from "./unit.ts";

export type CrewOptions = {
  readonly run: (program: Program) => Unit;
  /** `before`: the program of the process that it succeeds. */
  readonly program: (number: number, before?: Program) => Program;
  /** Numbers that are given first, in this order: of processes that run already. */
  readonly first?: Iterable<number> | undefined;
  /** How one is asked to leave, and how long it may take. */
  readonly leave: { readonly patienceMs: number; readonly signal?: NodeJS.Signals };
};

/** What became of a process that was replaced without a gap. */
export type Rolled = {
  readonly from: string;
  readonly to: string;
  /** From the start of the successor until it worked. */
  readonly startedMs: number;
  /** How long the one before took to leave; null: it still finishes what it runs. */
  readonly leftMs: number | null;
};

export type RollPatience = {
  /** For the successor to work. */
  readonly startMs: number;
  /** To wait for the one before to leave; it may take longer, unwatched. */
  readonly leaveMs: number;
};

export type Crew = {
  /** Sets the number of processes; those that are too many leave in the background. */
  setCount(count: number): void;
  count(): number;
  replace(unit: Unit): void;
  /** Null when it left meanwhile. @throws NotReplaced: it goes on. */
  roll(unit: Unit, patience: RollPatience): Promise<Rolled | null>;
  running(): Unit[];
  leaving(): Unit[];
  /** All, with those that come and go. */
  units(): Unit[];
  programs(): Map<string, Program>;
  stop(patienceMs: number): Promise<void>;
};

export class NotReplaced extends Error {
  override name = "NotReplaced";
}

type Member = { readonly program: Program; readonly unit: Unit };
const LOOK_MS = 25;

export function createCrew({ run, program, leave, first = [] }: CrewOptions): Crew {
  const given = [...first];
  const running = new Map<number, Member>();
  const coming = new Map<number, Member>();
  const leaving = new Map<number, Member>();
  const all = [running, coming, leaving];
  const members = () => all.flatMap(some => [...some.values()]);
  let stopping = false;

  /** Not the number of one that still leaves: its name and log file are in use. */
  const start = (into: Map<number, Member>, before?: Program): [number, Member] => {
    let number = given.shift() ?? 1;
    while (all.some(some => some.has(number))) number++;
    const made = program(number, before);
    const member = { program: made, unit: run(made) };
    into.set(number, member);
    return [number, member];
  };
  const dismiss = (from: Map<number, Member>, number: number, patienceMs = leave.patienceMs) => {
    const member = from.get(number)!;
    from.delete(number);
    leaving.set(number, member);
    return member.unit.stop(patienceMs, leave.signal).finally(() => leaving.delete(number));
  };
  const numberOf = (unit: Unit) => [...running].find(([, one]) => one.unit === unit)?.[0];

  return {
    setCount(count) {
      if (stopping) return;
      while (running.size > count) void dismiss(running, Math.max(...running.keys()));
      while (running.size < count) start(running);
    },
    count: () => running.size,
    replace(unit) {
      const number = numberOf(unit);
      if (number === undefined || stopping) return;
      const before = running.get(number)!.program;
      void dismiss(running, number);
      start(running, before);
    },
    async roll(unit, patience) {
      const old = numberOf(unit);
      if (old === undefined || stopping) return null;
      const since = performance.now();
      const [next, member] = start(coming, running.get(old)!.program);
      const failure = await becomesReady(member.unit, patience.startMs, () => stopping);
      if (failure !== null || numberOf(unit) === undefined) {
        await dismiss(coming, next, 0);
        if (failure === null) return null;
        throw new NotReplaced(`${member.unit.name} ${failure}; ${unit.name} goes on`);
      }
      coming.delete(next);
      running.set(next, member);
      const startedMs = Math.round(performance.now() - since);
      const left = dismiss(running, old).then(() => performance.now());
      const began = performance.now();
      const end = await Promise.race([left, Bun.sleep(patience.leaveMs).then(() => null)]);
      const leftMs = end === null ? null : Math.round(end - began);
      return { from: unit.name, to: member.unit.name, startedMs, leftMs };
    },
    running: () => [...running.values()].map(one => one.unit),
    leaving: () => [...leaving.values()].map(one => one.unit),
    units: () => members().map(one => one.unit),
    programs: () => new Map(members().map(one => [one.unit.name, one.program])),
    async stop(patienceMs) {
      stopping = true;
      await Promise.all(members().map(one => one.unit.stop(patienceMs)));
    },
  };
}

/** Null when it works; else what was wrong. */
async function becomesReady(
  unit: Unit,
  patienceMs: number,
  isStopping: () => boolean,
): Promise<string | null> {
  const deadline = Date.now() + patienceMs;
  while (!unit.isReady()) {
    if (isStopping()) return "was ended with the cluster";
    if (unit.restarts() > 0) return "ended instead of starting (its log tells why)";
    if (Date.now() > deadline) return `did not work within ${patienceMs / 1_000} s`;
    await Bun.sleep(LOOK_MS);
  }
  return null;
}
