/** All SQL of the module. */
import type { Sql } from "../../platform/postgres/index.ts";
import type { Erasure, Phase } from "./model.ts";

const columns = (sql: Sql) => sql`
  id, status, account, orders, carts, mails, texts, created_at AS "createdAt", finished_at AS "finishedAt"`;

export type NewErasure = {
  id: string;
  emailKey: string | null;
  customerId: string | null;
  account: boolean;
  words: string[];
};

export async function insert(tx: Sql, storeId: string, row: NewErasure): Promise<Erasure> {
  const [made] = await tx<Erasure[]>`
    INSERT INTO erasure.request (store_id, id, email_key, customer_id, account, words)
    VALUES (${storeId}, ${row.id}, ${row.emailKey}, ${row.customerId}, ${row.account}, ${row.words})
    RETURNING ${columns(tx)}`;
  return made!;
}

export async function select(sql: Sql, storeId: string, id: string): Promise<Erasure | null> {
  const [row] = await sql<Erasure[]>`
    SELECT ${columns(sql)} FROM erasure.request WHERE store_id = ${storeId} AND id = ${id}`;
  return row ?? null;
}

/** Newest first. */
export function selectPage(
  sql: Sql,
  storeId: string,
  before: string | undefined,
  limit: number,
): Promise<Erasure[]> {
  return sql<Erasure[]>`
    SELECT ${columns(sql)} FROM erasure.request
    WHERE store_id = ${storeId} ${before === undefined ? sql`` : sql`AND id < ${before}`}
    ORDER BY id DESC LIMIT ${limit}`;
}

export type Open = {
  id: string;
  status: Erasure["status"];
  emailKey: string | null;
  customerId: string | null;
  words: string[];
  phase: Phase;
  place: string;
};

/** The request under its lock: of two runs of one job, one waits for the other's step. */
export async function lock(tx: Sql, storeId: string, id: string): Promise<Open | null> {
  const [row] = await tx<Open[]>`
    SELECT id, status, email_key AS "emailKey", customer_id AS "customerId", words, phase, place
    FROM erasure.request WHERE store_id = ${storeId} AND id = ${id} FOR UPDATE`;
  return row ?? null;
}

export type Step = {
  phase: Phase;
  place: string;
  words?: readonly string[];
  orders?: number;
  carts?: number;
  mails?: number;
  texts?: number;
};

export async function advance(tx: Sql, storeId: string, id: string, step: Step): Promise<void> {
  await tx`
    UPDATE erasure.request SET status = 'running', phase = ${step.phase}, place = ${step.place},
      words = ARRAY(SELECT DISTINCT w FROM unnest(words || ${(step.words ?? []) as string[]}::text[]) w),
      orders = orders + ${step.orders ?? 0}, carts = carts + ${step.carts ?? 0}, mails = mails + ${step.mails ?? 0},
      texts = texts + ${step.texts ?? 0}
    WHERE store_id = ${storeId} AND id = ${id}`;
}

/** Who it was is forgotten with the end. */
export async function finish(tx: Sql, storeId: string, id: string): Promise<void> {
  await tx`
    UPDATE erasure.request SET status = 'done', finished_at = now(), email_key = NULL, customer_id = NULL, words = '{}',
      place = '' WHERE store_id = ${storeId} AND id = ${id}`;
}
