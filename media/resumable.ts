/**
 * Uploads that may be cut off and gone on with, on any node of any machine. Each piece that arrives is a file in storage
 * and a row; how much is there moves only in the statement that adds the row, under the condition that it is where the
 * piece begins. So of two connections that send the same piece, one wins, and a file without a row is never read.
 *
 * A connection that dies leaves what it has sent as a shorter piece. When everything is there the pieces are read as one
 * stream through the same checks as any upload ({@link receiveFile}); until then nothing of them is an asset.
 *
 * Crash story: before the row there is a file that no row names, removed with its upload or by its age; between the
 * last piece and the asset, whoever asks for the upload next finishes it; after it the pieces go, at the latest when the
 * upload expires. Two that finish it at once make one asset, for the bytes are the same.
 *
 * A client that has lost its upload's address begins it again with the same fingerprint, and goes on.
 */
import type { MaybeAuthor } from "../commerce/audit/index.ts";
import { conflict, invalid, notFound, Problem } from "../platform/errors.ts";
import type { Db, Sql } from "../platform/postgres/index.ts";
import type { Storage } from "../platform/storage/index.ts";
import { expectQuota } from "./quota.ts";
import { expectPicture, receiveFile, showable } from "./receive.ts";
import { type UploadDetails, type Uploaded, uploadFiles } from "./upload.ts";

export type Resumable = {
  readonly id: string;
  readonly storeId: string;
  readonly bytes: number;
  readonly received: number;
  readonly filename: string | null;
  readonly details: UploadDetails;
  readonly assetId: string | null;
  readonly createdAt: Date;
};

export type ResumableDeps = {
  readonly sql: Db;
  readonly storage: Storage;
  /** Of one file. */
  readonly maxBytes: number;
  /** Of a store's originals together. */
  readonly quotaBytes: number;
};

export const RESUMABLE_HOURS = 24;
/** Each is a file: a client that sends byte by byte is stopped. */
const MAX_PARTS = 5_000;

const folderOf = (id: string) => `upload/${id}`;
/** Where a client that uploads to the bucket itself must put the file. */
export const directKey = (id: string) => `${folderOf(id)}/direct`;

const columns = (sql: Sql) => sql`id, store_id AS "storeId", bytes, received, filename, details,
  asset_id AS "assetId", created_at AS "createdAt"`;

export type NewUpload = Pick<Resumable, "id" | "storeId" | "bytes" | "filename" | "details"> & {
  /** What the client knows the file by; null: it does not say. */
  readonly fingerprint?: string | null;
};

/**
 * @returns the id: that of an upload which was begun before with this fingerprint and length, else the given one.
 * @throws Problem 413 beyond the limit of a file or the store's quota.
 */
export async function beginUpload(deps: ResumableDeps, upload: NewUpload): Promise<string> {
  const { sql, maxBytes, quotaBytes } = deps;
  const { id, storeId, bytes, details, fingerprint = null } = upload;
  if (bytes < 1) throw new Problem(422, "empty_file", "The file is empty.");
  if (bytes > maxBytes) {
    const detail = `The file is larger than the limit of ${maxBytes} bytes.`;
    throw new Problem(413, "body_too_large", detail, { extensions: { maxBytes } });
  }
  const begun = fingerprint === null ? null : await takeUp(sql, { ...upload, fingerprint });
  if (begun) return begun;
  await expectQuota(sql, storeId, quotaBytes, bytes);
  await sql`INSERT INTO media.upload (id, store_id, bytes, filename, details, fingerprint, expires_at)
    VALUES (${id}, ${storeId}, ${bytes}, ${showable(upload.filename)}, ${sql.json(details)}, ${fingerprint}, ${end(sql)})`;
  return id;
}

const end = (sql: Sql) => sql`now() + make_interval(hours => ${RESUMABLE_HOURS})`;

/** What is said about the picture now replaces what was said then. */
async function takeUp(
  sql: Sql,
  { storeId, bytes, fingerprint, filename, details }: NewUpload & { fingerprint: string },
): Promise<string | null> {
  const [row] = await sql<{ id: string }[]>`
    UPDATE media.upload
    SET filename = ${showable(filename)}, details = ${sql.json(details)}, expires_at = ${end(sql)}
    WHERE id = (
      SELECT id FROM media.upload
      WHERE store_id = ${storeId} AND fingerprint = ${fingerprint} AND bytes = ${bytes}
        AND asset_id IS NULL AND expires_at > now()
      ORDER BY received DESC, id LIMIT 1)
    RETURNING id`;
  return row?.id ?? null;
}

/** @throws Problem 404 when the store has none of this id, or it has expired. */
export async function findUpload(sql: Sql, storeId: string, id: string): Promise<Resumable> {
  const [row] = await sql<Resumable[]>`
    SELECT ${columns(sql)} FROM media.upload
    WHERE id = ${id} AND store_id = ${storeId} AND expires_at > now()`;
  if (!row) throw notFound("upload");
  return { ...row, bytes: Number(row.bytes), received: Number(row.received) };
}

/**
 * Adds what comes until the stream ends or breaks; returns how much is there then.
 * @throws Problem 409 when another connection was faster; 415 when the first bytes are of no picture, and the upload is
 * gone then; StorageLimitError for more than was announced.
 */
export async function appendUpload(
  deps: ResumableDeps,
  { id, bytes, received }: Resumable,
  stream: AsyncIterable<Uint8Array>,
): Promise<number> {
  const { sql, storage } = deps;
  const coming = untilItBreaks(stream);
  const piece = received > 0 ? coming : await dropping(deps, id, expectPicture(coming, bytes));
  const staged = await storage.stage(piece, { maxBytes: bytes - received });
  if (staged.bytes === 0) {
    await staged.discard();
    return received;
  }
  const key = `${folderOf(id)}/${received}-${crypto.randomUUID()}`;
  await staged.keep(key);
  if (await addPart(sql, id, received, staged.bytes, key)) return received + staged.bytes;
  await storage.remove(key);
  throw conflict("offset_moved", "Another connection has gone on with this upload; ask for its offset.");
}

/** An upload that is refused for what it is can't be gone on with. */
async function dropping<T>(deps: ResumableDeps, id: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Problem && error.status < 500) await dropUpload(deps, id);
    throw error;
  }
}

async function* untilItBreaks(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch {
    // What has come is worth keeping: the client goes on from there.
  }
}

async function addPart(sql: Sql, id: string, at: number, bytes: number, key: string): Promise<boolean> {
  const rows = await sql`
    WITH moved AS (
      UPDATE media.upload SET received = received + ${bytes}
      WHERE id = ${id} AND received = ${at}
        AND (SELECT count(*) FROM media.upload_part WHERE upload_id = ${id}) < ${MAX_PARTS}
      RETURNING id)
    INSERT INTO media.upload_part SELECT id, ${at}, ${bytes}, ${key} FROM moved RETURNING at`;
  return rows.length > 0;
}

/** For a file that the client has put into the bucket itself. @throws Problem 422 while it is not there. */
export async function noteDirect({ sql, storage }: ResumableDeps, upload: Resumable): Promise<void> {
  if (upload.received > 0) return;
  const file = await storage.open(directKey(upload.id));
  if (!file) throw invalid([{ path: "file", message: "The file has not been uploaded to the bucket yet." }]);
  await addPart(sql, upload.id, 0, file.bytes, directKey(upload.id));
}

/**
 * Makes the asset of an upload that is whole; again: the same answer.
 * @throws Problem 413, 415 or 422 when it is no picture that can be used; the upload is gone then.
 */
export async function finishUpload(
  deps: ResumableDeps,
  author: MaybeAuthor,
  { id, filename, details }: Resumable,
): Promise<Uploaded> {
  try {
    return await dropping(deps, id, makeAsset(deps, author, { id, filename, details }));
  } catch (error) {
    // Its pieces go when another has finished it meanwhile.
    const other = error instanceof Problem ? null : await finishedUpload(deps.sql, id);
    if (other) return other;
    throw error;
  }
}

async function finishedUpload(sql: Sql, id: string): Promise<Uploaded | null> {
  const [row] = await sql<{ assetId: string | null }[]>`
    SELECT asset_id AS "assetId" FROM media.upload WHERE id = ${id}`;
  return row?.assetId ? { id: row.assetId, status: "processing", created: false } : null;
}

async function makeAsset(
  deps: ResumableDeps,
  author: MaybeAuthor,
  { id, filename, details }: Pick<Resumable, "id" | "filename" | "details">,
): Promise<Uploaded> {
  const { sql, storage, maxBytes, quotaBytes } = deps;
  const received = await receiveFile(storage, contentOf(deps, id), { maxBytes, filename });
  try {
    const [uploaded] = await uploadFiles(sql, author, [received], details, { quotaBytes });
    await sql`UPDATE media.upload SET asset_id = ${uploaded!.id} WHERE id = ${id}`;
    await removeFiles(storage, id);
    return uploaded!;
  } finally {
    await received.staged.discard();
  }
}

async function* contentOf({ sql, storage }: ResumableDeps, id: string): AsyncGenerator<Uint8Array> {
  const parts = await sql<{ key: string }[]>`
    SELECT storage_key AS key FROM media.upload_part WHERE upload_id = ${id} ORDER BY at`;
  for (const { key } of parts) {
    const file = await storage.open(key);
    if (!file) throw new Error(`a piece of ${id} is not in storage`);
    yield* file.blob.stream();
  }
}

export async function dropUpload({ sql, storage }: ResumableDeps, id: string): Promise<void> {
  await sql`DELETE FROM media.upload WHERE id = ${id}`;
  await removeFiles(storage, id);
}

async function removeFiles(storage: Storage, id: string): Promise<void> {
  for await (const { key } of storage.list(folderOf(id))) await storage.remove(key);
}

/** Files first: a sweep that is killed finds the row again. Safe to run in several processes at once. */
export async function sweepUploads(sql: Sql, storage: Storage): Promise<number> {
  const expired = await sql<{ id: string }[]>`
    SELECT id FROM media.upload WHERE expires_at < now() ORDER BY expires_at LIMIT 500`;
  for (const { id } of expired) {
    await removeFiles(storage, id);
    await sql`DELETE FROM media.upload WHERE id = ${id}`;
  }
  // Pieces that no row names: their upload was given up while they were written.
  for await (const { key, modifiedAt } of storage.list("upload")) {
    if (Date.now() - modifiedAt.getTime() > 2 * RESUMABLE_HOURS * 3_600_000) await storage.remove(key);
  }
  return expired.length;
}
