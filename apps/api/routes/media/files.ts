/**
 * The files of variants. A URL that names its content (`/media/<hash>.<type>`) may be kept for ever; a plain one
 * (`/media/<asset>/<size>`) leads to the format that the browser likes best; those of private assets want a signature.
 * Whatever goes out has one of the types of our own encoders: nothing that was uploaded is served as it came.
 */
import { Elysia, t } from "elysia";
import {
  type Asset,
  chooseVariant,
  findAsset,
  keyOfFile,
  listPresets,
  mediaTypes,
  standIn,
  type Visibility,
} from "../../../../media/index.ts";
import { notFound, Problem } from "../../../../platform/errors.ts";
import { isId } from "../../../../platform/ids.ts";
import { DiskStorage, openStorage } from "../../../../platform/storage/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { fileResponse, wholeFile } from "../../http/file-response.ts";
import { hotFilesOf } from "../../http/hot-files.ts";
import { signerOf } from "./signer.ts";

/** SHA-256 and extension; nothing else is looked up, so no request names a path. */
const fileName = /^([0-9a-f]{64})\.([a-z]{3,4})$/;
const YEAR = 31_536_000;

const harmless = {
  "x-content-type-options": "nosniff",
  // Opened by itself, a file may load, run and frame nothing.
  "content-security-policy": "default-src 'none'; sandbox",
  "cross-origin-resource-policy": "cross-origin",
  "content-disposition": "inline",
};
const immutable = { ...harmless, "cache-control": `public, max-age=${YEAR}, immutable` };
/** What a plain URL shows changes with its asset: pages ask again, and meanwhile show what they have. */
const plain = { ...harmless, "cache-control": "public, max-age=300, stale-while-revalidate=86400" };

/** How long another size stands in for a declared one that is being made. */
const SOON_SECONDS = 5;

type Served = { request: Request; name: string; visibility: Visibility; headers: Record<string, string> };

export function mediaFileRoutes(deps: ApiDeps) {
  const storage = openStorage(deps.config);
  const hot = hotFilesOf(deps);
  const signer = signerOf(deps);
  const isLocal = storage instanceof DiskStorage;

  async function send({ request, name, visibility, headers }: Served): Promise<Response> {
    const [, sha256, extension] = fileName.exec(name) ?? [];
    const type = extension && mediaTypes[extension];
    const file = type ? await storage.open(keyOfFile(name, visibility)) : null;
    if (!file) throw notFound("file");
    const { blob, bytes, signedUrl } = file;
    if (signedUrl && deps.config.mediaDelivery === "redirect")
      return redirect(signedUrl, visibility, headers);
    const all = { ...headers, "content-type": type! };
    return fileResponse(request, { blob, bytes, etag: `"${sha256}"`, headers: all, isLocal });
  }

  async function byContent(request: Request, name: string): Promise<Response> {
    const [, sha256, extension] = fileName.exec(name) ?? [];
    const tag = `file_${sha256}`;
    const headers = { ...immutable, "surrogate-key": tag, "cache-tag": tag };
    const response = await send({ request, name, visibility: "public", headers });
    // Where it lies elsewhere, an answer is more than a file that the kernel sends.
    if (isLocal && response.status === 200)
      await keepHot(name, `"${sha256}"`, headers, mediaTypes[extension!]!);
    return response;
  }

  async function keepHot(name: string, etag: string, headers: Record<string, string>, type: string) {
    const file = await storage.open(keyOfFile(name));
    if (!file) return;
    const { blob, bytes } = file;
    hot.keep(`/media/${name}`, {
      blob,
      bytes,
      headers: wholeFile({ ...headers, "content-type": type }, etag),
    });
  }

  /** @throws Problem 403. @returns seconds until the URL ends */
  async function checked(request: Request): Promise<number> {
    const { pathname, searchParams } = new URL(request.url);
    const now = deps.clock.now();
    const fault = (await signer()).fault(pathname, searchParams, now);
    if (fault) throw new Problem(403, fault, faults[fault], { headers: { "cache-control": "no-store" } });
    return Math.floor(Number(searchParams.get("expires")) - now.getTime() / 1_000);
  }

  const forOne = (seconds: number) => ({ ...harmless, "cache-control": `private, max-age=${seconds}` });

  async function bySignature(request: Request, name: string): Promise<Response> {
    const headers = forOne(await checked(request));
    return send({ request, name, visibility: "private", headers });
  }

  async function bySize(request: Request, id: string, size: string): Promise<Response> {
    const asset = isId("asset", id) ? await findAsset(deps.sql, id) : null;
    if (!asset) throw notFound("asset");
    const isPrivate = asset.visibility === "private";
    const lasting = isPrivate ? forOne(await checked(request)) : plain;
    const scope = isPrivate ? "private" : "public";
    const accept = request.headers.get("accept");
    const exact = chooseVariant(asset, size, accept);
    const variant = exact ?? chooseVariant(asset, (await standInFor(asset, size)) ?? "", accept);
    if (!variant) throw notFound("size");
    const cached = exact ? lasting : { ...lasting, "cache-control": `${scope}, max-age=${SOON_SECONDS}` };
    const name = variant.url.split("/").at(-1)!;
    const tags = `${asset.id} ${asset.storeId}`;
    const headers = { ...cached, vary: "accept", "surrogate-key": tags, "cache-tag": tags.replace(" ", ",") };
    return send({ request, name, visibility: asset.visibility, headers });
  }

  /** Only for sizes that the store has declared: nobody has others made by asking for them. */
  async function standInFor(asset: Asset, size: string): Promise<string | null> {
    const preset = (await listPresets(deps.sql, asset.storeId)).find(one => one.name === size);
    return preset ? standIn(asset, preset.width) : null;
  }

  const responses = { 200: { description: "The picture" }, 206: { description: "A range of it" } };
  const describe = (summary: string, description: string) => ({
    summary,
    description: `${description} Takes \`If-None-Match\` and \`Range\`.`,
    tags: ["media"],
    responses,
  });
  const hidden = { hide: true };
  // Whatever is no name of a variant is not found, however long: no schema.
  const file = t.Object({ file: t.String() });
  const sized = t.Object({ file: t.String(), size: t.String() });
  return new Elysia()
    .get("/media/:file", ({ request, params }) => byContent(request, params.file), {
      params: file,
      detail: describe("The bytes of a variant", "Immutable."),
    })
    .head("/media/:file", ({ request, params }) => byContent(request, params.file), {
      params: file,
      detail: hidden,
    })
    .get("/media/private/:file", ({ request, params }) => bySignature(request, params.file), {
      params: file,
      detail: describe(
        "The bytes of a private variant",
        "`expires` and `signature` come with the URL that `GET /admin/media/:id` shows; 403 `signature_required`, `signature_invalid` or `signature_expired`.",
      ),
    })
    .head("/media/private/:file", ({ request, params }) => bySignature(request, params.file), {
      params: file,
      detail: hidden,
    })
    .get("/media/:file/:size", ({ request, params }) => bySize(request, params.file, params.size), {
      params: sized,
      detail: describe(
        "An asset in one of its sizes",
        "In the best format that `Accept` names: AVIF, WebP, else JPEG or PNG. `file` is the asset's id, `size` the name of a size.",
      ),
    })
    .head("/media/:file/:size", ({ request, params }) => bySize(request, params.file, params.size), {
      params: sized,
      detail: hidden,
    });
}

/** As long as the URL that a redirect leads to is good for; caches keep the redirect for less. */
const REDIRECT_SECONDS = 900;
const REDIRECT_CACHED_SECONDS = 600;

/** To the bucket, which has the types and serves ranges and conditions itself. */
function redirect(
  signedUrl: (seconds: number) => string,
  visibility: Visibility,
  headers: Record<string, string>,
): Response {
  const cached = visibility === "private" ? "no-store" : `public, max-age=${REDIRECT_CACHED_SECONDS}`;
  const location = signedUrl(visibility === "private" ? PRIVATE_SECONDS : REDIRECT_SECONDS);
  return new Response(null, { status: 302, headers: { ...headers, "cache-control": cached, location } });
}

/** Enough to follow the redirect: the URL's own time is checked here, at each request. */
const PRIVATE_SECONDS = 60;

const faults = {
  signature_required: "This picture is private: its URL wants a signature.",
  signature_invalid: "The signature is not ours, or the URL was changed.",
  signature_expired: "The URL is no longer valid; ask for a new one.",
} as const;
