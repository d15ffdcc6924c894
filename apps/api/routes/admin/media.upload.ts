/**
 * Reads the upload form. Files go to storage as they arrive; what becomes of them is decided when the form has been read
 * to its end, for fields may come behind the files. Whatever goes wrong, nothing of the request is left.
 */
import type { Author } from "../../../../commerce/audit/index.ts";
import { productExists } from "../../../../commerce/catalog/index.ts";
import {
  type ReceivedFile,
  receiveFile,
  type UploadDetails,
  type Uploaded,
  uploadFiles,
} from "../../../../media/index.ts";
import { invalid, Problem } from "../../../../platform/errors.ts";
import { isId } from "../../../../platform/ids.ts";
import type { Db } from "../../../../platform/postgres/index.ts";
import type { Storage } from "../../../../platform/storage/index.ts";
import { multipart, type Part } from "../../http/multipart.ts";

const MAX_FILES = 20;
const FIELDS = 3;
const MAX_ALT = 500;
const MAX_POSITION = 9_999;

type UploadDeps = { sql: Db; storage: Storage; maxBytes: number };
type Form = { files: ReceivedFile[]; details: UploadDetails };

/** @throws Problem 400, 413, 415 or 422. */
export async function acceptUpload(deps: UploadDeps, request: Request, origin: Author): Promise<Uploaded[]> {
  const form: Form = { files: [], details: {} };
  try {
    await readForm(deps, request, form);
    await checkProduct(deps.sql, origin.storeId, form.details.productId);
    return await uploadFiles(deps.sql, origin, form.files, form.details);
  } finally {
    await Promise.all(form.files.map(file => file.staged.discard()));
  }
}

/** `form.files` holds what was received also when this throws. */
async function readForm({ storage, maxBytes }: UploadDeps, request: Request, form: Form): Promise<void> {
  const bounds = { maxFileBytes: maxBytes, maxParts: MAX_FILES + FIELDS };
  for await (const part of multipart(request, bounds)) {
    if (part.filename === undefined) {
      form.details = { ...form.details, ...(await readField(part)) };
      continue;
    }
    if (form.files.length === MAX_FILES) {
      throw new Problem(413, "too_many_files", `At most ${MAX_FILES} files can be sent at once.`);
    }
    form.files.push(await receiveFile(storage, part.body, { maxBytes, filename: part.filename }));
  }
  if (form.files.length === 0) throw invalid([{ path: "file", message: "A file is required." }]);
}

async function readField(part: Part): Promise<UploadDetails> {
  const text = await part.text();
  switch (part.name) {
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
    case "file":
      throw invalid([{ path: "file", message: "Expected a file, with a file name." }]);
    default:
      throw invalid([{ path: part.name.slice(0, 60), message: "There is no such field." }]);
  }
}

async function checkProduct(sql: Db, storeId: string, productId: string | undefined): Promise<void> {
  if (productId === undefined) return;
  if (isId("prod", productId) && (await productExists(sql, storeId, productId))) return;
  throw invalid([{ path: "productId", message: "There is no such product." }]);
}
