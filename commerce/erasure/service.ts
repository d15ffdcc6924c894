import { type Bus, emit, eraseFromJobs } from "../../bus/index.ts";
import { invalid, notFound } from "../../platform/errors.ts";
import { isId, newId } from "../../platform/ids.ts";
import { idCursor, type Page, pageOf } from "../../platform/page.ts";
import { type Db, type Sql, type Tx, transaction } from "../../platform/postgres/index.ts";
import type { SharedRedis } from "../../platform/redis/index.ts";
import { isAuthor, type MaybeAuthor, recordAudit } from "../audit/index.ts";
import { emailKey, forgetSessions, type Removed, removeCustomer } from "../customers/index.ts";
import type { Erasure, Person } from "./model.ts";
import * as store from "./store.ts";

export type ErasureDeps = {
  readonly sql: Db;
  readonly redis: SharedRedis;
  readonly bus?: Pick<Bus, "poke"> | undefined;
};

/**
 * Deletes the account, if there is one, and queues the rest. A mail address that nobody has used is no error: who asks
 * must not learn that.
 * @throws Problem 404 for an unknown `customerId`; 422 for what is no mail address.
 */
export async function requestErasure(
  deps: ErasureDeps,
  author: MaybeAuthor,
  person: Person,
): Promise<Erasure> {
  const { storeId } = author;
  const by = "email" in person ? { emailKey: keyOf(person.email) } : { id: person.customerId };
  const { erasure, removed } = await transaction(deps.sql, async tx => {
    const removed = await removeCustomer(tx, storeId, by);
    if (!removed && "id" in by) throw notFound("customer");
    const erasure = await store.insert(tx, storeId, rowOf(person, removed));
    if (removed) {
      await eraseResets(tx, removed);
      await emit(tx, author, { type: "customer.changed", customerId: removed.id });
    }
    if (isAuthor(author)) {
      const about = { action: "erase", entity: "customer", entityId: removed?.id ?? erasure.id, changes: {} };
      await recordAudit(tx, { ...author, ...about });
    }
    await emit(tx, author, { type: "erasure.requested", erasureId: erasure.id });
    return { erasure, removed };
  });
  await forgetSessions(deps.redis, storeId, removed?.sessions ?? []);
  deps.bus?.poke();
  return erasure;
}

function keyOf(email: string): string {
  const key = emailKey(email.trim());
  if (!/^[^\s@]+@[^\s@]+$/.test(key)) throw invalid([{ path: "email", message: "must be a mail address" }]);
  return key;
}

function rowOf(person: Person, removed: Removed | null): store.NewErasure {
  const email = removed?.email ?? ("email" in person ? person.email.trim() : null);
  const words = [email, removed?.name, removed?.phone].filter(
    word => typeof word === "string" && word !== "",
  );
  return {
    id: newId("era"),
    emailKey: email === null ? null : emailKey(email),
    customerId: removed?.id ?? null,
    account: removed !== null,
    words: words as string[],
  };
}

async function eraseResets(tx: Tx, { resetIds, email, name, phone }: Removed): Promise<void> {
  const words = [email, name ?? "", phone ?? ""];
  await eraseFromJobs(
    tx,
    resetIds.map(id => `password_reset:${id}`),
    words.filter(word => word !== ""),
  );
}

/** @throws Problem 404 */
export async function getErasure(sql: Sql, storeId: string, id: string): Promise<Erasure> {
  const erasure = isId("era", id) ? await store.select(sql, storeId, id) : null;
  if (!erasure) throw notFound("erasure");
  return erasure;
}

/** Newest first. @throws Problem 422 for a made-up cursor. */
export async function listErasures(
  sql: Sql,
  storeId: string,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<Page<Erasure>> {
  return pageOf(await store.selectPage(sql, storeId, idCursor("era", cursor), limit + 1), limit);
}
