/**
 * Signed URLs of private assets: `expires` (seconds since the epoch) and `signature`, an HMAC-SHA256 of the path and that
 * time. Whoever has the URL has the picture until then; nothing is looked up.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Sql } from "../platform/postgres/index.ts";
import type { Asset } from "./model.ts";

export type Signer = {
  /** The path with its signature. */
  sign(path: string, expiresAt: Date): string;
  /** Null when the signature holds; `path` is the request's, without its query. */
  fault(
    path: string,
    query: URLSearchParams,
    now: Date,
  ): "signature_required" | "signature_invalid" | "signature_expired" | null;
};

export async function openSigner(sql: Sql): Promise<Signer> {
  const [row] = await sql<{ value: string }[]>`SELECT value FROM media.secret`;
  const macOf = (path: string, expires: string) =>
    createHmac("sha256", row!.value).update(`${path}\n${expires}`).digest();
  return {
    sign(path, expiresAt) {
      const expires = String(Math.ceil(expiresAt.getTime() / 1_000));
      return `${path}?expires=${expires}&signature=${macOf(path, expires).toString("base64url")}`;
    },
    fault(path, query, now) {
      const [expires, signature] = [query.get("expires"), query.get("signature")];
      if (expires === null || signature === null) return "signature_required";
      if (!/^\d{1,12}$/.test(expires)) return "signature_invalid";
      const [given, right] = [Buffer.from(signature, "base64url"), macOf(path, expires)];
      if (given.length !== right.length || !timingSafeEqual(given, right)) return "signature_invalid";
      return Number(expires) * 1_000 > now.getTime() ? null : "signature_expired";
    },
  };
}

/** The asset with URLs that work: those of a private one are signed. */
export function withSignedUrls(asset: Asset, signer: Signer, expiresAt: Date): Asset {
  if (asset.visibility === "public") return asset;
  const variants = asset.variants.map(variant => ({ ...variant, url: signer.sign(variant.url, expiresAt) }));
  return { ...asset, variants };
}
