/**
 * The life of files in storage: written before a row names them, removed after no row does, and one file may be named
 * by rows of many assets and stores. Rows and files can't change in one transaction, so:
 *
 * 1. Who writes a file first **claims** its key: a row in `media.file` (it may be garbage in an hour) and one in
 *    `media.claim`. Then the file is written; then the transaction that names it gives the claim back.
 * 2. Who drops the last row that names a file makes its row in `media.file` due, in the same transaction.
 * 3. The **collector** locks due rows, and asks in one statement whether the key is named or claimed. Named: the row goes.
 *    Claimed: it is due when the claim ends. Neither: the file is removed, then the row, before the lock is given back.
 *
 * So an upload of bytes that are being removed waits at its claim for the row's lock, and writes the file anew; one that has
 * claimed keeps the collector away. Crashes: after 1, the file or nothing is left and is collected in an hour; in the
 * middle of 3, the row is still there and the collector tries again; a file that is gone already is no error.
 *
 * Locks: an asset's row before rows of `media.file`, those in the order of keys. The collector waits for no asset.
 */
import { type Db, type Sql, type Tx, transaction } from "../platform/postgres/index.ts";
import type { Storage } from "../platform/storage/index.ts";

/** Longer than any upload or conversion takes from its claim to its row. */
const CLAIM = "1 hour";
const BATCH = 20;

/** Before the files are written. @returns the holder's name, to give the claims back with. */
export async function claimFiles(
  sql: Sql,
  keys: readonly string[],
  holder: string = crypto.randomUUID(),
): Promise<string> {
  await sql`
    WITH locked AS (
      INSERT INTO media.file AS f (storage_key, due)
      SELECT DISTINCT key, now() + ${CLAIM}::interval FROM unnest(${[...keys]}::text[]) key ORDER BY key
      ON CONFLICT (storage_key) DO UPDATE SET due = greatest(f.due, excluded.due)
      RETURNING storage_key)
    INSERT INTO media.claim (storage_key, holder, until)
    SELECT storage_key, ${holder}, now() + ${CLAIM}::interval FROM locked
    ON CONFLICT (storage_key, holder) DO UPDATE SET until = excluded.until`;
  return holder;
}

/** In the transaction that names the files. */
export async function releaseFiles(tx: Tx, keys: readonly string[], holder: string): Promise<void> {
  await tx`DELETE FROM media.claim WHERE storage_key = ANY(${[...keys]}) AND holder = ${holder}`;
}

/** In the transaction that names the files no longer: whoever else names them keeps them. */
export async function dropFiles(tx: Tx, keys: readonly string[]): Promise<void> {
  await tx`
    INSERT INTO media.file (storage_key, due)
    SELECT DISTINCT key, now() FROM unnest(${[...keys]}::text[]) key ORDER BY key
    ON CONFLICT (storage_key) DO UPDATE SET due = now()`;
}

/** Removes due files that nobody needs, of all or of the given keys; returns how many. Safe in many processes at once. */
export async function collectFiles(sql: Db, storage: Storage, keys?: readonly string[]): Promise<number> {
  let removed = 0;
  for (;;) {
    const batch = await transaction(sql, tx => collectBatch(tx, storage, keys));
    removed += batch.removed;
    if (batch.seen < BATCH) return removed;
  }
}

type Use = { key: string; named: boolean; claimedUntil: Date | null };

async function collectBatch(tx: Tx, storage: Storage, keys: readonly string[] | undefined) {
  const due = await tx<{ key: string }[]>`
    SELECT storage_key AS key FROM media.file
    WHERE due <= now() ${keys ? tx`AND storage_key = ANY(${[...keys]})` : tx``}
    ORDER BY storage_key LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`;
  const locked = due.map(row => row.key);
  // A statement of its own: it sees what was committed before the locks were given to us.
  const uses = await tx<Use[]>`
    SELECT key,
      EXISTS (SELECT FROM media.variant v WHERE v.storage_key = key)
        OR (key LIKE 'original/%' AND EXISTS (
          SELECT FROM media.asset a WHERE a.sha256 = substring(key FROM '[^/]+$'))) AS named,
      (SELECT max(until) FROM media.claim c WHERE c.storage_key = key AND until > now()) AS "claimedUntil"
    FROM unnest(${locked}::text[]) key`;
  let removed = 0;
  for (const { key, named, claimedUntil } of uses) {
    if (claimedUntil) {
      await tx`UPDATE media.file SET due = ${claimedUntil} WHERE storage_key = ${key}`;
      continue;
    }
    if (!named && (await storage.remove(key))) removed++;
    await tx`DELETE FROM media.file WHERE storage_key = ${key}`;
    await tx`DELETE FROM media.claim WHERE storage_key = ${key}`;
  }
  return { seen: locked.length, removed };
}

const DAY_MS = 86_400_000;
const PAGE = 500;

/**
 * Once a day over all processes: files of ours that no row knows (of a database that was restored from a backup, say) and
 * that are older than a day become due. They are removed by the collector like others.
 */
export async function searchOrphans(sql: Db, storage: Storage): Promise<number> {
  const [mine] = await sql`
    UPDATE media.search SET last = now() WHERE last < now() - interval '1 day' RETURNING last`;
  return mine ? findOrphans(sql, storage, DAY_MS) : 0;
}

/** @returns how many were found. */
export async function findOrphans(sql: Db, storage: Storage, olderThanMs: number): Promise<number> {
  let found = 0;
  let page: string[] = [];
  const flush = async () => {
    const rows = await sql`
      INSERT INTO media.file (storage_key, due)
      SELECT key, now() FROM unnest(${page}::text[]) key
      WHERE NOT EXISTS (SELECT FROM media.variant v WHERE v.storage_key = key)
        AND NOT EXISTS (SELECT FROM media.asset a WHERE key LIKE 'original/%' AND a.sha256 = substring(key FROM '[^/]+$'))
      ORDER BY key
      ON CONFLICT DO NOTHING RETURNING 1`;
    found += rows.length;
    page = [];
  };
  for (const folder of ["original", "variant", "private"]) {
    for await (const { key, modifiedAt } of storage.list(folder)) {
      if (Date.now() - modifiedAt.getTime() < olderThanMs) continue;
      if (page.push(key) === PAGE) await flush();
    }
  }
  await flush();
  return found;
}
