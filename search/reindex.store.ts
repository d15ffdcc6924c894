/** The SQL of builds: indexes that are made anew. */
import type { Sql, Tx } from "../platform/postgres/index.ts";
import type { Change } from "./engine.ts";
import { RESTOCKED } from "./store.ts";

export type Build = {
  storeId: string;
  id: string;
  status: "queued" | "building" | "done" | "failed";
  /** Products that were sent, of how many there were when it began. */
  done: number;
  total: number;
  error: string | null;
  requestedAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
};

export type Running = Build & {
  run: number;
  identity: string | null;
  settingsHash: string | null;
  checkpoint: string;
};

const columns = (sql: Sql) => sql`
  store_id AS "storeId", id, status, done, total, error, requested_at AS "requestedAt", started_at AS "startedAt",
  finished_at AS "finishedAt"`;
const running = (sql: Sql) =>
  sql`${columns(sql)}, run, identity, settings_hash AS "settingsHash", checkpoint`;

/**
 * False when the store has an open one. That is looked for first: to meet it by its unique index would be to wait for who works on
 * it, and its switch waits for the engine.
 */
export async function insertBuild(sql: Sql, storeId: string, id: string, shape: number): Promise<boolean> {
  const rows = await sql`
    INSERT INTO search.build (store_id, id, shape) SELECT ${storeId}, ${id}, ${shape}
    WHERE NOT EXISTS (SELECT FROM search.build WHERE store_id = ${storeId} AND status IN ('queued', 'building'))
    ON CONFLICT DO NOTHING RETURNING id`;
  return rows.length > 0;
}

/**
 * The open build of the store if nobody has done anything for it lately; takes it as looked after from now on. Somebody is at one
 * that is locked.
 */
export async function takeIdle(sql: Sql, storeId: string, idleMs: number): Promise<string | null> {
  const [row] = await sql<{ id: string }[]>`
    UPDATE search.build SET active_at = now() WHERE id = (
      SELECT id FROM search.build
      WHERE store_id = ${storeId} AND status IN ('queued', 'building')
        AND active_at < now() - make_interval(secs => ${idleMs / 1_000}) FOR UPDATE SKIP LOCKED) RETURNING id`;
  return row?.id ?? null;
}

export async function selectLatest(sql: Sql, storeIds: readonly string[]): Promise<Build[]> {
  return sql<Build[]>`
    SELECT DISTINCT ON (store_id) ${columns(sql)} FROM search.build
    WHERE store_id = ANY(${storeIds as string[]}) ORDER BY store_id, id DESC`;
}

/** Stores whose index was filled with documents of an older shape, and that nobody is filling anew. */
export async function selectOutdated(sql: Sql, shape: number): Promise<string[]> {
  const rows = await sql<{ storeId: string }[]>`
    SELECT i.store_id AS "storeId" FROM search.index i
    WHERE i.shape < ${shape} AND NOT EXISTS (
      SELECT FROM search.build b WHERE b.store_id = i.store_id AND b.shape >= ${shape} AND b.status <> 'done')`;
  return rows.map(row => row.storeId);
}

/** Takes it on, unless it has ended; returns it as it then is. */
export async function begin(sql: Sql, storeId: string, id: string, total: number): Promise<Running | null> {
  await sql`
    UPDATE search.build SET status = 'building', run = run + 1, total = ${total}, active_at = now(),
      started_at = coalesce(started_at, now())
    WHERE store_id = ${storeId} AND id = ${id} AND status IN ('queued', 'building')`;
  const [row] = await sql<Running[]>`
    SELECT ${running(sql)} FROM search.build WHERE store_id = ${storeId} AND id = ${id}`;
  return row ?? null;
}

/** The new index is empty: whatever was sent before is gone with the one before. */
export async function restart(
  sql: Sql,
  build: Running,
  index: { identity: string; settingsHash: string },
): Promise<void> {
  await sql`
    WITH mine AS (
      UPDATE search.build SET identity = ${index.identity}, settings_hash = ${index.settingsHash}, checkpoint = '', done = 0
      WHERE store_id = ${build.storeId} AND id = ${build.id} AND run = ${build.run} RETURNING id)
    DELETE FROM search.built b USING mine WHERE b.build_id = mine.id`;
}

/** Notes what was sent, unless another process has taken the build on: then false, and nothing is noted. */
export async function recordBuilt(
  sql: Sql,
  build: Running,
  sent: readonly Change[],
  refused: boolean,
): Promise<boolean> {
  const gone = sent.filter(one => one.document === null).map(one => one.productId);
  const rows = await sql`
    WITH mine AS (
      UPDATE search.build SET active_at = now()
      WHERE store_id = ${build.storeId} AND id = ${build.id} AND run = ${build.run} AND status = 'building'
      RETURNING id
    ), noted AS (
      INSERT INTO search.built AS b (build_id, product_id, version, refused, gone)
      SELECT mine.id, s.product_id, s.version, ${refused}, s.product_id = ANY(${gone})
      FROM mine, unnest(${sent.map(one => one.productId)}::text[], ${sent.map(one => one.version)}::bigint[])
        AS s (product_id, version)
      ON CONFLICT (build_id, product_id) DO UPDATE
      SET version = EXCLUDED.version, refused = EXCLUDED.refused, gone = EXCLUDED.gone
    )
    SELECT id FROM mine`;
  return rows.length > 0;
}

export async function advance(sql: Sql, build: Running, checkpoint: string, products: number): Promise<void> {
  await sql`
    UPDATE search.build SET checkpoint = ${checkpoint}, done = done + ${products}
    WHERE store_id = ${build.storeId} AND id = ${build.id} AND run = ${build.run}`;
}

/** Products that search knows and shows, after `after`, up to `last` where it is given. */
export async function selectShown(
  sql: Sql,
  storeId: string,
  range: { after: string; last: string | null; limit: number },
): Promise<string[]> {
  const rows = await sql<{ productId: string }[]>`
    SELECT product_id AS "productId" FROM search.document
    WHERE store_id = ${storeId} AND NOT deleted AND product_id > ${range.after}
      ${range.last === null ? sql`` : sql`AND product_id <= ${range.last}`}
    ORDER BY product_id LIMIT ${range.limit}`;
  return rows.map(row => row.productId);
}

/**
 * For statements that compare the whole of `search.document` with the whole of `search.built`. What is known of the latter's size
 * dates from before the build: who takes it for nearly empty goes through all of it for each row of the other, which never ends.
 */
async function asWholes<T>(tx: Tx, compare: () => Promise<T>): Promise<T> {
  await tx`SET LOCAL enable_nestloop = off`;
  const compared = await compare();
  await tx`SET LOCAL enable_nestloop = on`;
  return compared;
}

type Text = { productId: string; version: number; json: string | null };
const changeOf = ({ productId, version, json }: Text): Change =>
  json === null ? { productId, version, document: null } : { productId, version, json };

/**
 * The documents of a page of products, in the order of their ids, that the new index was not sent as they are. Without those
 * whose stock alone was written: they are composed anew whatever they hold, and would be sent twice.
 */
export async function selectKnown(sql: Sql, build: Running, after: string, limit: number): Promise<Change[]> {
  const unsent = sql`
    AND coalesce((SELECT b.version FROM search.built b
                  WHERE b.build_id = ${build.id} AND b.product_id = d.product_id), 0) < d.version`;
  const rows = await sql<Text[]>`
    SELECT d.product_id AS "productId", d.version, d.document::text AS json
    FROM search.document d
    WHERE d.store_id = ${build.storeId} AND d.product_id > ${after} AND NOT d.deleted AND d.content_hash <> ${RESTOCKED}
      ${build.run === 1 ? sql`` : unsent}
    ORDER BY d.product_id LIMIT ${limit}`;
  return rows.map(changeOf);
}

/** What has changed since it was sent to the new index, or was never sent. */
export async function selectUnbuilt(tx: Tx, build: Running, limit: number): Promise<Change[]> {
  const rows = await asWholes(
    tx,
    () => tx<Text[]>`
    SELECT d.product_id AS "productId", d.version, d.document::text AS json
    FROM search.document d
    LEFT JOIN search.built b ON b.build_id = ${build.id} AND b.product_id = d.product_id
    WHERE d.store_id = ${build.storeId}
      AND (d.version > b.version OR (b.version IS NULL AND NOT d.deleted))
    ORDER BY d.product_id LIMIT ${limit}`,
  );
  return rows.map(changeOf);
}

const expected = (sql: Sql, build: Running) =>
  sql`FROM search.built WHERE build_id = ${build.id} AND NOT refused AND NOT gone`;

export async function countExpected(sql: Sql, build: Running): Promise<number> {
  const [row] = await sql<{ count: number }[]>`SELECT count(*)::integer AS count ${expected(sql, build)}`;
  return row!.count;
}

/** What search knows of these products now; those that are gone are absent. */
export async function selectContents(
  sql: Sql,
  build: Running,
  productIds: readonly string[],
): Promise<Change[]> {
  return sql<Change[]>`
    SELECT product_id AS "productId", version, document FROM search.document
    WHERE store_id = ${build.storeId} AND product_id = ANY(${productIds as string[]}) AND NOT deleted
    ORDER BY product_id`;
}

/** What the new index must hold: products that are shown, by the version that was sent. */
export async function selectExpected(sql: Sql, build: Running): Promise<Map<string, number>> {
  const rows = await sql<{ productId: string; version: number }[]>`
    SELECT product_id AS "productId", version ${expected(sql, build)}`;
  return new Map(rows.map(row => [row.productId, row.version]));
}

/** They are sent again. */
export async function forgetBuilt(sql: Sql, build: Running, productIds: readonly string[]): Promise<void> {
  await sql`
    DELETE FROM search.built WHERE build_id = ${build.id} AND product_id = ANY(${productIds as string[]})`;
}

/** By product the version that the new index was sent, and what the rows tell of the one that answers where that is something else. */
const differing = (sql: Sql, { storeId, id }: { storeId: string; id: string }) => sql`
  FROM search.document d
  LEFT JOIN search.built b ON b.build_id = ${id} AND b.product_id = d.product_id
  CROSS JOIN LATERAL (SELECT CASE WHEN b.refused THEN 0 ELSE coalesce(b.version, 0) END AS version) s
  WHERE d.store_id = ${storeId}
    AND (d.enqueued_version, d.confirmed_version, d.task) IS DISTINCT FROM (s.version, s.version, NULL)`;

/** Whether the rows tell already what {@link adopt} would make them tell. */
export async function isAdopted(tx: Tx, build: Running): Promise<boolean> {
  const [row] = await asWholes(
    tx,
    () => tx<{ differing: number }[]>`SELECT count(*)::integer AS differing ${differing(tx, build)}`,
  );
  return row!.differing === 0;
}

/**
 * The index that answers is the new one: what that was sent is what the engine holds. Ends the build. `isSame`: the rows tell it already.
 */
export async function adopt(
  tx: Tx,
  build: { storeId: string; id: string },
  isSame: boolean,
): Promise<{ identity: string; settingsHash: string; shape: number }> {
  const { storeId, id } = build;
  if (!isSame) {
    await asWholes(
      tx,
      () => tx`
        UPDATE search.document o SET enqueued_version = n.version, confirmed_version = n.version, task = NULL
        FROM (SELECT d.product_id, s.version ${differing(tx, build)}) n
        WHERE o.store_id = ${storeId} AND o.product_id = n.product_id`,
    );
  }
  await tx`DELETE FROM search.built WHERE build_id = ${id}`;
  const [ended] = await tx<{ identity: string; settingsHash: string; shape: number }[]>`
    UPDATE search.build SET status = 'done', error = NULL, done = greatest(done, total), finished_at = now()
    WHERE store_id = ${storeId} AND id = ${id}
    RETURNING identity, settings_hash AS "settingsHash", shape`;
  return ended!;
}

/** The build of this store whose index the engine knows by this identity, if it has not ended. */
export async function selectByIdentity(
  sql: Sql,
  storeId: string,
  identity: string,
): Promise<{ storeId: string; id: string } | null> {
  const [row] = await sql<{ storeId: string; id: string }[]>`
    SELECT store_id AS "storeId", id FROM search.build
    WHERE store_id = ${storeId} AND identity = ${identity} AND status = 'building'`;
  return row ?? null;
}

export async function endBuild(
  sql: Sql,
  build: Running,
  end: { status: "done" | "failed"; error: string | null },
): Promise<void> {
  await sql`
    WITH mine AS (
      UPDATE search.build SET status = ${end.status}, error = ${end.error}, finished_at = now()
      WHERE store_id = ${build.storeId} AND id = ${build.id} AND run = ${build.run} RETURNING id)
    DELETE FROM search.built b USING mine WHERE b.build_id = mine.id`;
}
