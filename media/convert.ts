/**
 * The conversion of one asset: processing → ready or failed.
 *
 * Each file that the decoder finishes is moved into storage and its rows committed, so that a page can show the WebP
 * while the AVIF is being made. When the first encodings are there the asset is `ready`: pages show it (`media.changed`). The
 * last transaction makes it `complete`, conditional on its edition and on not being so yet, and emits `media.changed`
 * again: of two runs of one job, exactly one does. Files are named by their content, so what a crashed run left is
 * overwritten with the same bytes by the next.
 *
 * A picture that can't be used makes the asset `failed` with its reason, at once. A decoder that crashes may be the
 * machine's fault (memory): the first time the run throws and is tried again, the second time the picture is to blame.
 * If it can be shown by then, it stays as it is, with the reason why there is no more of it.
 */

import { join } from "node:path";
import { emit, type Origin } from "../bus/index.ts";
import { type Db, transaction } from "../platform/postgres/index.ts";
import type { Storage } from "../platform/storage/index.ts";
import { reopen } from "./dead.ts";
import { type DecoderAnswer, DecoderCrash, runDecoder } from "./decoder.ts";
import { claimFiles, dropFiles, releaseFiles } from "./files.ts";
import type { Asset, Look, MadeVariant, Refusal } from "./model.ts";
import { limits, originalKey, type Plan, variantKey, variantPlan } from "./plan.ts";
import { sizesOf } from "./presets.ts";
import { findAsset, markFailed, markReady, saveVariant } from "./store.ts";

export type Conversion = {
  readonly sql: Db;
  readonly storage: Storage;
  readonly plan?: Plan;
  /** Of the decoder; default: that of the limits. */
  readonly deadlineMs?: number;
  /** The decoder's program; tests hand in ones that misbehave. */
  readonly decoder?: string;
};

export type ConversionResult =
  | { readonly type: "ready" }
  | { readonly type: "failed"; readonly refusal: Refusal; readonly detail?: string | undefined }
  /** Nothing was to be done: it had a result already, or is no more. */
  | { readonly type: "settled" };

/** Crashes of the decoder that are forgiven before the picture is blamed. */
const FORGIVEN_CRASHES = 1;

/**
 * @param attempt 1 for the job's first try.
 * @throws DecoderCrash on the first try; anything that is not the picture's fault.
 */
export async function convertAsset(
  conversion: Conversion,
  origin: Origin,
  assetId: string,
  { attempt, signal }: { attempt: number; signal?: AbortSignal },
): Promise<ConversionResult> {
  const { sql, storage } = conversion;
  await reopen(sql, origin.storeId, assetId);
  const asset = await findAsset(sql, origin.storeId, assetId);
  if (!asset || asset.complete || asset.status === "failed") return { type: "settled" };
  const work = { conversion, origin, asset, attempt, signal };
  try {
    const answer = await storage.withLocalFile(originalKey(asset.sha256), input =>
      storage.withScratch(dir => decode(work, input, dir)),
    );
    if (!answer) throw new Error(`the original of ${assetId} is not in storage`);
    return "look" in answer ? await finish(work, answer.look) : await giveUp(work, answer);
  } catch (error) {
    if (error instanceof Superseded) return { type: "settled" };
    throw error;
  }
}

type Work = {
  readonly conversion: Conversion;
  readonly origin: Origin;
  readonly asset: Asset;
  readonly attempt: number;
  readonly signal: AbortSignal | undefined;
};

/** The asset was deleted, or another run has begun or ended: there is nothing to go on for. */
class Superseded extends Error {
  override name = "Superseded";
}

async function decode(work: Work, input: string, dir: string): Promise<DecoderAnswer> {
  const { conversion, asset, attempt, signal } = work;
  const { deadlineMs = limits.decoderDeadlineMs, decoder } = conversion;
  const plan = conversion.plan ?? { ...variantPlan, sizes: await sizesOf(conversion.sql, asset.storeId) };
  const { maxPixels, maxFrames } = limits;
  const task = {
    input,
    format: asset.format,
    outputDir: dir,
    plan,
    only: missingOf(asset, plan),
    maxPixels,
    maxFrames,
    focalPoint: asset.focalPoint,
  };
  const onVisible = async (look: Look) => void (await publish(work, look, false));
  try {
    return await runDecoder(task, {
      deadlineMs,
      signal,
      onVariant: keeper(work, dir),
      onVisible,
      program: decoder,
    });
  } catch (error) {
    const blamed = error instanceof DecoderCrash && attempt > FORGIVEN_CRASHES && !signal?.aborted;
    if (!blamed) throw error;
    const message = "The picture could not be decoded in time, or brought the decoder down.";
    return { refusal: { code: "decoder_crashed", message }, detail: error.message };
  }
}

/** Sizes that want work: all of a new picture, those that a backfill has found, those that a crash has left half-made. */
function missingOf(asset: Asset, plan: Plan): string[] {
  const last = plan.encodings.at(-1)!.format;
  const whole = new Set(asset.variants.filter(one => one.format === last).map(one => one.name));
  return plan.sizes.map(size => size.name).filter(name => !whole.has(name));
}

/** Moves each finished file into storage and names it (the protocol of files.ts). */
function keeper({ conversion: { sql, storage }, asset }: Work, dir: string) {
  let ordinal = asset.variants.length;
  return async (made: MadeVariant) => {
    const key = variantKey(made.sha256, made.format, asset.visibility);
    const holder = await claimFiles(sql, [key]);
    await storage.moveIn(join(dir, made.sha256), key);
    const kept = await transaction(sql, async tx => {
      const saved = await saveVariant(tx, asset, ordinal, made);
      await releaseFiles(tx, [key], holder);
      if (!saved) await dropFiles(tx, [key]);
      return saved;
    });
    if (!kept) throw new Superseded();
    ordinal += made.names.length;
  };
}

/** Shows the asset, with what it has by now. */
function publish({ conversion: { sql }, origin, asset }: Work, look: Look, complete: boolean) {
  return transaction(sql, async tx => {
    if (!(await markReady(tx, asset, look, complete))) return false;
    await emit(tx, origin, { type: "media.changed", assetId: asset.id });
    return true;
  });
}

async function finish(work: Work, look: Look): Promise<ConversionResult> {
  return (await publish(work, look, true)) ? { type: "ready" } : { type: "settled" };
}

async function giveUp(
  { conversion: { sql }, asset }: Work,
  { refusal, detail }: Extract<DecoderAnswer, { refusal: Refusal }>,
): Promise<ConversionResult> {
  const first = await transaction(sql, async tx => {
    const keys = await markFailed(tx, asset, refusal);
    if (keys) await dropFiles(tx, keys);
    return keys !== null;
  });
  return first ? { type: "failed", refusal, detail } : { type: "settled" };
}
