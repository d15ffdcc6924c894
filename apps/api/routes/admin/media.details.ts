/** What is said about a picture beside its bytes, in a form or in the metadata of a resumable upload. */
import { productExists } from "../../../../commerce/catalog/index.ts";
import type { UploadDetails } from "../../../../media/index.ts";
import { invalid } from "../../../../platform/errors.ts";
import { isId } from "../../../../platform/ids.ts";
import type { Sql } from "../../../../platform/postgres/index.ts";

const MAX_ALT = 500;
const MAX_FINGERPRINT = 500;
const MAX_POSITION = 9_999;
/** What clients of the protocol add by themselves. */
const ignored = new Set(["filetype", "type", "name", "relativePath"]);

/** @throws Problem 422 naming the field. */
export function detailOf(name: string, text: string): UploadDetails {
  switch (name) {
    case "alt":
      if (text.length > MAX_ALT || text.includes("\0")) {
        throw invalid([{ path: "alt", message: `At most ${MAX_ALT} characters of text.` }]);
      }
      return { alt: text };
    case "productId":
      return { productId: text };
    case "position":
      if (!/^\d{1,4}$/.test(text)) {
        throw invalid([{ path: "position", message: `Expected a whole number from 0 to ${MAX_POSITION}.` }]);
      }
      return { position: Number(text) };
    default:
      throw invalid([{ path: name.slice(0, 60), message: "There is no such field." }]);
  }
}

/** All of an upload's metadata. @throws Problem 422 naming the field. */
export async function detailsOf(
  sql: Sql,
  storeId: string,
  fields: Readonly<Record<string, string | null | undefined>>,
): Promise<UploadDetails> {
  const named = Object.entries(fields).filter(([name]) => !ignored.has(name));
  const details: UploadDetails = {};
  for (const [name, text] of named) Object.assign(details, detailOf(name, text ?? ""));
  await checkProduct(sql, storeId, details.productId);
  return details;
}

/** @throws Problem 422 */
export function checkFingerprint(text: string | null): void {
  if (text === null || (text.length <= MAX_FINGERPRINT && !text.includes("\0"))) return;
  throw invalid([{ path: "fingerprint", message: `At most ${MAX_FINGERPRINT} characters of text.` }]);
}

export async function checkProduct(sql: Sql, storeId: string, productId: string | undefined): Promise<void> {
  if (productId === undefined) return;
  if (isId("prod", productId) && (await productExists(sql, storeId, productId))) return;
  throw invalid([{ path: "productId", message: "There is no such product." }]);
}
