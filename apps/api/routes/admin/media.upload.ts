/**
 * Reads the upload form. Files go to storage as they arrive; what becomes of them is decided when the form has been read
 * to its end, for fields may come behind the files. Whatever goes wrong, nothing of the request is left.
 */
import type { Author } from "../../../../commerce/audit/index.ts";
import {
  type ReceivedFile,
  receiveFile,
  type UploadDetails,
  type Uploaded,
  uploadFiles,
} from "../../../../media/index.ts";
import { invalid, Problem } from "../../../../platform/errors.ts";
import type { Db } from "../../../../platform/postgres/index.ts";
import { openStorage, type Storage } from "../../../../platform/storage/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { multipart, type Part } from "../../http/multipart.ts";
import { checkProduct, detailOf } from "./media.details.ts";

const MAX_FILES = 20;
const FIELDS = 3;
const MB = 1_024 * 1_024;
const GB = 1_000_000_000;

type UploadDeps = { sql: Db; storage: Storage; maxBytes: number; quotaBytes: number };
type Form = { files: ReceivedFile[]; details: UploadDetails };

/** What a store may keep for which nothing else is set. */
export const defaultQuota = (config: ApiDeps["config"]) => config.mediaStoreGb * GB;

export function uploadDeps({ sql, config }: Pick<ApiDeps, "sql" | "config">): UploadDeps {
  const maxBytes = config.mediaMaxMb * MB;
  return { sql, storage: openStorage(config), maxBytes, quotaBytes: defaultQuota(config) };
}

/** @throws Problem 400, 413, 415 or 422. */
export async function acceptUpload(deps: UploadDeps, request: Request, origin: Author): Promise<Uploaded[]> {
  const form: Form = { files: [], details: {} };
  try {
    await readForm(deps, request, form);
    await checkProduct(deps.sql, origin.storeId, form.details.productId);
    const { sql, quotaBytes } = deps;
    return await uploadFiles(sql, origin, form.files, form.details, { quotaBytes });
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
  if (part.name === "file") {
    throw invalid([{ path: "file", message: "Expected a file, with a file name." }]);
  }
  return detailOf(part.name, await part.text());
}
