/**
 * Resumable uploads by the tus protocol 1.0 (https://tus.io/protocols/resumable-upload): creation, termination, and creation
 * with the first piece. `@tus/server` speaks the protocol; where the bytes are and how far they are is the media module's,
 * so every node can go on with what another began. The last piece's answer, and that of a HEAD afterwards, names the asset in
 * `Upload-Asset`.
 */
import { DataStore, MemoryLocker, Server, Upload } from "@tus/server";
import { Elysia, t } from "elysia";
import type { Author } from "../../../../commerce/audit/index.ts";
import {
  appendUpload,
  beginUpload,
  dropUpload,
  findUpload,
  finishUpload,
  RESUMABLE_HOURS,
  type ResumableDeps,
} from "../../../../media/index.ts";
import { Problem } from "../../../../platform/errors.ts";
import { newId } from "../../../../platform/ids.ts";
import { StorageLimitError } from "../../../../platform/storage/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { checkFingerprint, detailsOf } from "./media.details.ts";
import { uploadDeps } from "./media.upload.ts";

const PATH = "/admin/media/uploads";

/** The bytes of one store's uploads, as the protocol's server wants to see them. */
class MediaStore extends DataStore {
  /** Why the last call failed; the protocol's server would turn it into plain text. */
  problem: unknown;

  constructor(
    private readonly deps: ResumableDeps,
    private readonly storeId: string,
  ) {
    super();
    this.extensions = ["creation", "creation-with-upload", "termination"];
  }

  override create(upload: Upload): Promise<Upload> {
    return this.noting(async () => {
      const { filename = null, fingerprint = null, ...fields } = upload.metadata ?? {};
      checkFingerprint(fingerprint);
      const details = await detailsOf(this.deps.sql, this.storeId, fields);
      const { id, size: bytes = 0 } = upload;
      const begun = { id, storeId: this.storeId, bytes, filename, details, fingerprint };
      // The location that is answered is made of this id.
      upload.id = await beginUpload(this.deps, begun);
      return upload;
    });
  }

  override write(stream: AsyncIterable<Uint8Array>, id: string, offset: number): Promise<number> {
    return this.noting(async () => {
      const upload = await findUpload(this.deps.sql, this.storeId, id);
      return appendUpload(this.deps, { ...upload, received: offset }, stream);
    });
  }

  override getUpload(id: string): Promise<Upload> {
    return this.noting(async () => {
      const { bytes, received, createdAt } = await findUpload(this.deps.sql, this.storeId, id);
      return new Upload({ id, size: bytes, offset: received, creation_date: createdAt.toISOString() });
    });
  }

  override remove(id: string): Promise<void> {
    return this.noting(async () => {
      await findUpload(this.deps.sql, this.storeId, id);
      await dropUpload(this.deps, id);
    });
  }

  override getExpiration(): number {
    return RESUMABLE_HOURS * 3_600_000;
  }

  async noting<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.problem = error;
      throw error;
    }
  }
}

/** What the protocol's server says in plain text, as a problem. */
const codes: Readonly<Record<number, string>> = {
  400: "malformed_upload",
  403: "forbidden",
  404: "not_found",
  409: "offset_moved",
  410: "not_found",
  412: "tus_version",
  413: "body_too_large",
  415: "unsupported_media_type",
};

async function problemOf(response: Response, problem: unknown, maxBytes: number): Promise<unknown> {
  if (problem instanceof StorageLimitError) {
    return new Problem(413, "body_too_large", `More bytes than were announced; the limit is ${maxBytes}.`);
  }
  if (problem) return problem;
  if (response.status >= 500) return new Error(`tus: ${await response.text()}`);
  const code = codes[response.status] ?? "malformed_upload";
  return new Problem(
    response.status,
    code,
    (await response.text()).trim().slice(0, 200) || "The upload can't go on.",
  );
}

export function resumableRoutes(deps: ApiDeps) {
  const uploads = uploadDeps(deps);
  const { sql, maxBytes } = uploads;
  const locker = new MemoryLocker();

  /** Whole, but without an asset: its node ended in between. */
  async function asset(author: Author, id: string): Promise<Record<string, string>> {
    const upload = await findUpload(sql, author.storeId, id);
    if (upload.received < upload.bytes) return {};
    const assetId = upload.assetId ?? (await finishUpload(uploads, author, upload)).id;
    deps.bus.poke();
    return { "Upload-Asset": assetId };
  }

  async function handle(request: Request, author: Author): Promise<Response> {
    const store = new MediaStore(uploads, author.storeId);
    const server = new Server({
      path: PATH,
      relativeLocation: true,
      datastore: store,
      locker,
      maxSize: maxBytes,
      allowedOrigins: [],
      namingFunction: () => newId("upload"),
      onUploadFinish: (_, { id }) => store.noting(async () => ({ headers: await asset(author, id) })),
    });
    const response = await server.handleWeb(request);
    if (response.status >= 400) throw await problemOf(response, store.problem, maxBytes);
    if (request.method !== "HEAD") return response;
    const found = await asset(author, new URL(request.url).pathname.split("/").at(-1)!);
    for (const [name, value] of Object.entries(found)) response.headers.set(name, value);
    return response;
  }

  const params = t.Object({ id: t.String({ maxLength: 64 }) });
  const options = (summary: string) => ({ parse: "none" as const, detail: { summary } });
  return new Elysia({ prefix: PATH, detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .post("/", ({ request, author }) => handle(request, author), {
      parse: "none",
      detail: {
        summary: "Begin a resumable upload (tus 1.0)",
        description:
          "`Upload-Length` and, in `Upload-Metadata`, `filename`, `alt`, `productId` and `position`. 201 with the upload's `Location`; with `fingerprint`, any text that the client knows the file by, that of an upload of the same which is not finished. 413 `body_too_large`, `quota_exceeded`; 422 `invalid`, `empty_file`. Then `PATCH` it piece by piece.",
      },
    })
    .route("HEAD", "/:id", ({ request, author }) => handle(request, author), {
      params,
      ...options("How far an upload is (tus 1.0)"),
    })
    .patch("/:id", ({ request, author }) => handle(request, author), {
      params,
      parse: "none",
      detail: {
        summary: "Go on with an upload (tus 1.0)",
        description:
          "204 with `Upload-Offset`; the last piece's answer names the asset in `Upload-Asset`. 409 `offset_moved`; 413 `body_too_large`, `quota_exceeded`; 415 `unsupported_media_type`; 422 `unreadable`, `too_many_pixels`.",
      },
    })
    .delete("/:id", ({ request, author }) => handle(request, author), {
      params,
      ...options("Give an upload up (tus 1.0)"),
    });
}
