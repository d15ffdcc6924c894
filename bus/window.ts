/**
 * Fairness among the stores of a kind. JetStream gives out the jobs of a kind in the order they came, so a store that has
 * 50,000 of them in the stream would make every other store wait for all. Hence only a window of each store's jobs is
 * in the stream at a time; what is beyond waits in the outbox as held rows, and the releaser (release.ts) lets them go
 * store by store. A store's first job then starts within {@link WINDOW} jobs of any other store.
 *
 * What is in the stream is asked of the stream (its count by subject: waiting and delivered ones), never counted along,
 * so that nothing can drift. A process remembers the last count and adds what it let pass since; only when that bound
 * reaches the limit it asks again, so few jobs cost nothing.
 *
 * One keeper, the one that holds the lease `windows`, may fill a window up to {@link WINDOW}; all relays of its process and
 * its releaser share one account here, so they don't add up. Every other process lets pass only while the stream holds
 * fewer than {@link FRINGE} of the store's jobs, and holds what is beyond. Should two processes believe to have the
 * lease for a moment, a window is overfilled for that moment, and that is all.
 */
import type { Connection } from "./connection.ts";
import type { Contract } from "./contracts/contract.ts";
import { contractOf } from "./contracts/index.ts";
import { streamOf, subjectOf } from "./topology.ts";

/** Jobs of a store and kind that may wait in the stream. With the fringes of other processes it stays under 200. */
export const WINDOW = 150;
/** What a process without the lease lets pass, uncounted by the one that has it. */
const FRINGE = 20;
/** What a process lets pass of a store that it has not asked about. */
const UNASKED = 10;
/** Windows shrink when many stores have a backlog, so that those who come new wait for at most this many in all. */
const ALL_WINDOWS = 2_000;
/** Stores remembered; the ones that were longest unused go first. */
const MAX_REMEMBERED = 20_000;
export type Slot = { readonly kind: string; readonly storeId: string };

type Account = {
  readonly slot: Slot;
  bound: number;
  inFlight: number;
  /** All places that were ever taken. */
  taken: number;
  asking: Promise<void> | undefined;
};

export type WindowOptions = {
  connection: Connection;
  /** Jobs of a kind that run now, in all processes: they wait no more, so they take no place of a window. */
  running?: (kind: string) => Promise<number>;
};

export const slotKey = ({ kind, storeId }: Slot) => `${kind} ${storeId}`;

/** Jobs of one store that may be in the stream. Kinds that take many at a call get two calls' worth. */
export function windowOf(contract: Contract | undefined): number {
  return Math.max(WINDOW, 2 * (contract?.batch?.max ?? 0));
}

export class Windows {
  readonly #options: WindowOptions;
  /** Oldest use first: a Map keeps the order of insertion. */
  readonly #accounts = new Map<string, Account>();
  #holding = new Map<string, Slot>();
  #leading = false;

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  /** Whether this process has the lease. */
  set leading(leading: boolean) {
    this.#leading = leading;
    if (!leading) this.#holding.clear();
  }

  get leading(): boolean {
    return this.#leading;
  }

  /** Stores (as {@link slotKey}) whose rows only the releaser publishes, because older ones of theirs wait. */
  get holding(): string[] {
    return [...this.#holding.keys()];
  }

  setHolding(slots: readonly Slot[]): void {
    this.#holding = new Map(slots.map(slot => [slotKey(slot), slot]));
  }

  /**
   * Splits rows into those that may be published now and those that are to be held; tell {@link landed} afterwards.
   * @throws when the stream can't be asked; then no place is taken.
   */
  async admit<R extends Slot>(rows: readonly R[]): Promise<{ pass: R[]; hold: R[] }> {
    const pass: R[] = [];
    const hold: R[] = [];
    const entering = [...Map.groupBy(rows, slotKey).values()].map(async group => {
      const places = await this.enter(group[0]!, group.length);
      pass.push(...group.slice(0, places));
      hold.push(...group.slice(places));
      if (places < group.length && this.#leading) this.#holding.set(slotKey(group[0]!), group[0]!);
    });
    try {
      for (const one of await Promise.allSettled(entering)) if (one.status === "rejected") throw one.reason;
    } catch (error) {
      // Nothing will be published. Places that stayed taken would be missing from the window for ever.
      for (const row of pass) this.landed(row);
      throw error;
    }
    return { pass, hold };
  }

  /** Takes up to `wanted` places in a store's window and returns how many it got. */
  async enter(slot: Slot, wanted: number): Promise<number> {
    const account = this.#account(slot);
    if (account.bound + wanted > this.#limit(slot.kind)) await this.refresh([slot]);
    return this.take(slot, wanted);
  }

  /** The same by what is known already. */
  take(slot: Slot, wanted: number): number {
    const account = this.#account(slot);
    const places = Math.min(wanted, Math.max(0, this.#limit(slot.kind) - account.bound));
    account.bound += places;
    account.inFlight += places;
    account.taken += places;
    return places;
  }

  /** Taken places that are in the stream now, or that turned out not to be needed: the next count tells which. */
  landed(slot: Slot, places = 1): void {
    const account = this.#accounts.get(slotKey(slot));
    if (account) account.inFlight = Math.max(0, account.inFlight - places);
  }

  /** Asks the stream how much of these stores it holds. @throws when NATS does not answer */
  async refresh(slots: readonly Slot[]): Promise<void> {
    const accounts = slots.map(slot => this.#account(slot));
    const fresh = accounts.filter(one => !one.asking);
    const groups = [...Map.groupBy(fresh, one => one.slot.kind)];
    for (const [kind, group] of groups) {
      const asking = this.#count(kind, group).finally(() => {
        for (const one of group) one.asking = undefined;
      });
      for (const one of group) one.asking = asking;
    }
    await Promise.all(accounts.map(one => one.asking));
  }

  async #count(kind: string, group: Account[]): Promise<void> {
    const contract = contractOf(kind);
    if (!contract) return;
    // Published but not yet confirmed: the answer may know of it or not.
    const before = group.map(one => one.inFlight);
    const takenBefore = group.map(one => one.taken);
    const [counts, running] = await Promise.all([this.#ask(contract), this.#running(contract)]);
    const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
    for (const [i, { slot }] of group.entries()) {
      const count = counts.get(slot.storeId) ?? 0;
      const waiting = count - Math.floor((Math.min(running, all) * count) / (all || 1));
      // What was taken while the stream was asked, it may not know of either.
      const since = group[i]!.taken - takenBefore[i]!;
      group[i]!.bound = waiting + before[i]! + since;
    }
  }

  /** Jobs of the kind in the stream, by store. */
  async #ask({ priority, kind }: Contract): Promise<Map<string, number>> {
    const filter = subjectOf({ priority, kind, storeId: "*" });
    const info = await this.#options.connection.jsm.streams.info(streamOf(priority), {
      subjects_filter: filter,
    });
    const subjects = Object.entries(info.state.subjects ?? {});
    return new Map(subjects.map(([subject, count]) => [subject.slice(filter.length - 1), count]));
  }

  /** Only matters to kinds of which more may run at once than a window holds. */
  async #running(contract: Contract): Promise<number> {
    if (!this.#leading || contract.cap <= WINDOW) return 0;
    return this.#options.running?.(contract.kind) ?? 0;
  }

  #limit(kind: string): number {
    if (!this.#leading) return FRINGE;
    const window = windowOf(contractOf(kind));
    const backlogs = [...this.#holding.values()].filter(slot => slot.kind === kind).length;
    return Math.max(FRINGE, Math.min(window, Math.floor((ALL_WINDOWS * window) / WINDOW / (backlogs || 1))));
  }

  #account(slot: Slot): Account {
    const key = slotKey(slot);
    const known = this.#accounts.get(key);
    const account = known ?? {
      slot: { kind: slot.kind, storeId: slot.storeId },
      bound: this.#limit(slot.kind) - UNASKED,
      inFlight: 0,
      taken: 0,
      asking: undefined,
    };
    if (known) this.#accounts.delete(key);
    this.#accounts.set(key, account);
    if (this.#accounts.size > MAX_REMEMBERED) this.#accounts.delete(this.#accounts.keys().next().value!);
    return account;
  }
}
