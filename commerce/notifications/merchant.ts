import { type Db, type Sql, transaction } from "../../platform/postgres/index.ts";
import { type Author, diff, recordAudit } from "../audit/index.ts";
import * as store from "./store.ts";

/** Where mails to the merchant go (low stock); null: they are not sent. */
export function getMerchantEmail(sql: Sql, storeId: string): Promise<string | null> {
  return store.selectMerchant(sql, storeId);
}

export function setMerchantEmail(sql: Db, author: Author, email: string | null): Promise<void> {
  return transaction(sql, async tx => {
    const before = await store.selectMerchant(tx, author.storeId);
    await store.setMerchant(tx, author.storeId, email?.toWellFormed() ?? null);
    await recordAudit(tx, {
      ...author,
      action: "update",
      entity: "notification_settings",
      entityId: author.storeId,
      changes: diff({ email: before }, { email }),
    });
  });
}
