/** For this module's tests: a database, a store on disk, pictures, and a look at what was made of them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp, { type Metadata, type Sharp } from "sharp";
import { DiskStorage } from "../platform/storage/index.ts";
import { freshDatabase } from "../platform/testing/index.ts";
import { type Asset, type AssetVariant, getAsset, keyOfFile, receiveFile, uploadFiles } from "./index.ts";

export const STORE = "store_test";
export const origin = { storeId: STORE };

const MAX_BYTES = 20_000_000;

export async function setup() {
  const [database, dir] = await Promise.all([freshDatabase(), mkdtemp(join(tmpdir(), "tradewind-media-"))]);
  const { sql } = database;
  const storage = new DiskStorage(dir);
  const upload = async (bytes: Uint8Array, details: Parameters<typeof uploadFiles>[3] = {}) => {
    const body = new Blob([Buffer.from(bytes)]).stream();
    const received = await receiveFile(storage, body, { maxBytes: MAX_BYTES, filename: "a.jpg" });
    return (await uploadFiles(sql, origin, [received], details))[0]!;
  };
  const asset = async (id: string) => (await getAsset(sql, STORE, id))!;
  /** Kinds and keys of the jobs that wait in the outbox. */
  const jobs = async () => {
    const rows = await sql`SELECT kind, key FROM bus.outbox ORDER BY id`;
    return rows.map(row => `${row.kind} ${row.key}`);
  };
  const fileOf = async (variant: AssetVariant) => {
    const stored = await storage.open(keyOfFile(variant.url.split("/").at(-1)!));
    return Buffer.from(await stored!.blob.arrayBuffer());
  };
  const close = () => Promise.all([database.drop(), rm(dir, { recursive: true })]);
  return { sql, storage, dir, upload, asset, jobs, fileOf, close };
}

export type Setup = Awaited<ReturnType<typeof setup>>;

/** Red on the left, blue on the right. */
export function redAndBlue(width: number, height: number): Sharp {
  const half = { width: Math.ceil(width / 2), height, channels: 3 as const };
  const blue = { create: { ...half, background: { r: 20, g: 20, b: 220 } } };
  return sharp({ create: { width, height, channels: 3, background: { r: 220, g: 20, b: 20 } } }).composite([
    { input: blue, left: Math.floor(width / 2), top: 0 },
  ]);
}

export type Seen = { variant: AssetVariant; metadata: Metadata; at(x: number, y: number): string };

/** Decodes a variant's file; `at` names the colour at a place given in fractions. */
export async function look(media: Setup, variant: AssetVariant): Promise<Seen> {
  const file = await media.fileOf(variant);
  const metadata = await sharp(file, { animated: variant.animated }).metadata();
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => {
    const pixel = Math.floor(y * info.height) * info.width + Math.floor(x * info.width);
    const [r = 0, g = 0, b = 0] = data.subarray(pixel * info.channels);
    if (r > 150 && g < 110 && b < 110) return "red";
    return b > 125 && r < 110 && g < 110 ? "blue" : `${r},${g},${b}`;
  };
  return { variant, metadata, at };
}

export function lookAtAll(media: Setup, asset: Asset): Promise<Seen[]> {
  return Promise.all(asset.variants.map(variant => look(media, variant)));
}

/** A GIF of 1 × 1 frames on a large canvas, by hand: a few bytes that decode to a lot. */
export function gifOf(width: number, height: number, frames: number): Buffer {
  const head = Buffer.from("47494638396100000000800000000000ffffff", "hex");
  head.writeUInt16LE(width, 6);
  head.writeUInt16LE(height, 8);
  const loop = Buffer.from("21ff0b4e45545343415045322e300301000000", "hex");
  const frame = Buffer.from("21f9040001000000" + "2c00000000010001000002024401" + "00", "hex");
  return Buffer.concat([head, loop, ...Array<Buffer>(frames).fill(frame), Buffer.from(";")]);
}
