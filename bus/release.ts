/**
 * The releaser: held outbox rows → JetStream, store by store (window.ts says why they are held). It runs in every keeper
 * and works in the one that has the lease.
 *
 * One round: renew the lease → which stores have held rows → hold what else of theirs is due, so that the relay need not
 * look past it → ask how much of them the stream holds → in one transaction lock as many rows of each store as its
 * window has room for, publish them in turn (one of each store, then the next), delete them and write the ledger.
 *
 * Crash story: as the relay's. A row is held or it is not, both in committed transactions; killed before the commit,
 * what was published is published again under its message id. Another keeper takes the lease when it runs out
 * ({@link LEASE_MS}); until then held rows wait and those that are not held go on.
 */
import type { Log } from "../platform/log.ts";
import { type Db, type Tx, transactionOnce } from "../platform/postgres/index.ts";
import type { Connection } from "./connection.ts";
import { type OutboxMessage, publishAll, settlePublished } from "./relay.ts";
import { type Slot, slotKey, type Windows } from "./window.ts";

const LEASE = "windows";
const LEASE_MS = 4_000;
const RENEW_MS = 1_000;
/** Rows of one round. */
const BATCH = 1_000;
/** Rows that are taken out of the relay's sight in one statement. */
const ADOPT = 2_000;
const STORES = 1_000;
/** Pause between rounds: short while much is released, longer while windows stay full, longest while nothing is held. */
const BUSY_MS = 5;
const FULL_MS = 200;
const IDLE_MS = 250;
const ERROR_MS = 1_000;

export type Releaser = { stop(): Promise<void> };

type Deps = { connection: Connection; sql: Db; log: Log; windows: Windows; holder?: string };

export function startReleaser(deps: Deps): Releaser {
  const { sql, log, windows } = deps;
  const holder = deps.holder ?? crypto.randomUUID();
  let stopped = false;
  let wake = () => {};
  let renewedAtMs = Number.NEGATIVE_INFINITY;
  let from: Slot | null = null;

  async function lead(): Promise<void> {
    const askedAtMs = performance.now();
    if (askedAtMs - renewedAtMs < RENEW_MS) return;
    const isOurs = await takeLease(sql, holder);
    renewedAtMs = askedAtMs;
    windows.leading = isOurs;
  }

  /** Milliseconds until the next round. */
  async function round(pauseMs: number): Promise<number> {
    await lead();
    if (!windows.leading) return IDLE_MS;
    const slots = await heldSlots(sql, from);
    from = slots.length === STORES ? slots.at(-1)! : null;
    windows.setHolding(slots);
    if (slots.length === 0) return IDLE_MS;
    await adopt(sql, slots);
    const released = await releaseOnce(deps, slots);
    return released > 0 ? BUSY_MS : Math.min(FULL_MS, Math.max(BUSY_MS, pauseMs) * 2);
  }

  async function run(): Promise<void> {
    let pauseMs = IDLE_MS;
    while (!stopped) {
      pauseMs = await round(pauseMs).catch(error => {
        log.warn({ err: error }, "held jobs not released; trying again");
        if (performance.now() - renewedAtMs > LEASE_MS - RENEW_MS) windows.leading = false;
        return ERROR_MS;
      });
      if (!stopped) await sleep(pauseMs);
    }
  }

  function sleep(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  const running = run();
  return {
    async stop() {
      stopped = true;
      wake();
      await running;
      windows.leading = false;
      await sql`DELETE FROM bus.lease WHERE name = ${LEASE} AND holder = ${holder}`.catch(() => {});
    },
  };
}

async function takeLease(sql: Db, holder: string): Promise<boolean> {
  const rows = await sql`
    INSERT INTO bus.lease AS l (name, holder, until)
    VALUES (${LEASE}, ${holder}, now() + ${LEASE_MS} * interval '1 millisecond')
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
    WHERE l.holder = excluded.holder OR l.until < now()
    RETURNING 1`;
  return rows.length > 0;
}

/** Stores with held rows: one step of the index each, however many rows there are. */
async function heldSlots(sql: Db, from: Slot | null): Promise<Slot[]> {
  const { kind, storeId } = from ?? { kind: "", storeId: "" };
  return sql<Slot[]>`
    WITH RECURSIVE p AS (
      (SELECT kind, store_id FROM bus.outbox WHERE held AND (kind, store_id) > (${kind}, ${storeId})
       ORDER BY kind, store_id LIMIT 1)
      UNION ALL
      SELECT n.kind, n.store_id FROM p CROSS JOIN LATERAL (
        SELECT kind, store_id FROM bus.outbox WHERE held AND (kind, store_id) > (p.kind, p.store_id)
        ORDER BY kind, store_id LIMIT 1) n
    )
    SELECT kind, store_id AS "storeId" FROM p LIMIT ${STORES}`;
}

async function adopt(sql: Db, slots: readonly Slot[]): Promise<void> {
  await sql`
    UPDATE bus.outbox o SET held = true
    FROM (
      SELECT id, attempt FROM bus.outbox
      WHERE NOT held AND due_at <= now() AND kind || ' ' || store_id = ANY(${slots.map(slotKey)}::text[])
      ORDER BY due_at, id LIMIT ${ADOPT} FOR UPDATE SKIP LOCKED
    ) p WHERE o.id = p.id AND o.attempt = p.attempt`;
}

/** One round for these stores; returns how many rows it published. */
export async function releaseOnce(
  { connection, sql, windows }: Pick<Deps, "connection" | "sql" | "windows">,
  slots: readonly Slot[],
): Promise<number> {
  await windows.refresh(slots);
  const most = Math.max(10, Math.floor(BATCH / slots.length));
  const taken = slots.map(slot => ({ slot, places: windows.take(slot, most) })).filter(one => one.places > 0);
  if (taken.length === 0) return 0;
  try {
    return await transactionOnce(sql, async tx => {
      const rows = inTurn(await lockHeld(tx, taken));
      const published = await publishAll(connection, rows);
      if (published.length > 0) await settlePublished(tx, published);
      if (rows.length > 0 && published.length === 0)
        throw new Error("JetStream acknowledged none of the messages");
      return published.length;
    });
  } finally {
    for (const { slot, places } of taken) windows.landed(slot, places);
  }
}

async function lockHeld(tx: Tx, taken: readonly { slot: Slot; places: number }[]): Promise<OutboxMessage[]> {
  return tx<OutboxMessage[]>`
    SELECT o.id, o.attempt, o.kind, o.version, o.priority, o.store_id AS "storeId", o.key, o.payload, o.traceparent,
           o.created_at AS "createdAt", o.resent, o.is_unique AS "isUnique"
    FROM unnest(${taken.map(one => one.slot.kind)}::text[], ${taken.map(one => one.slot.storeId)}::text[],
                ${taken.map(one => one.places)}::int[]) AS p(kind, store_id, places)
    CROSS JOIN LATERAL (
      SELECT * FROM bus.outbox
      WHERE held AND kind = p.kind AND store_id = p.store_id AND due_at <= now()
      ORDER BY due_at, id LIMIT p.places FOR UPDATE SKIP LOCKED
    ) o`;
}

/** The first row of each store, then the second of each, and so on. */
function inTurn(rows: OutboxMessage[]): OutboxMessage[] {
  const seen = new Map<string, number>();
  const ranked = rows.map(row => {
    const rank = seen.get(slotKey(row)) ?? 0;
    seen.set(slotKey(row), rank + 1);
    return { row, rank };
  });
  return ranked.sort((a, b) => a.rank - b.rank).map(one => one.row);
}
