/**
 * The conversion of one asset: processing → ready or failed.
 *
 * Each file that the decoder finishes is moved into storage and its rows committed, so that a page can show the WebP
 * while the AVIF is being made. The last transaction sets the state, conditional on `processing`, and emits
 * `media.changed`: of two runs of one job, exactly one does. Files are named by their content, so what a crashed run
 * left is overwritten with the same bytes by the next.
 *
 * A picture that can't be used makes the asset `failed` with its reason, at once. A decoder that crashes may be the
 * machine's fault (memory): the first time the run throws and is tried again, the second time the picture is to blame.
 */

import { join } from "node:path";
import { emit, type Origin } from "../bus/index.ts";
import { type Db, transaction } from "../platform/postgres/index.ts";
import type { Storage } from "../platform/storage/index.ts";
import { reopen } from "./dead.ts";
import { type DecoderAnswer, DecoderCrash, runDecoder } from "./decoder.ts";
import type { Asset, MadeVariant, Refusal } from "./model.ts";
import { limits, originalKey, type Plan, variantKey, variantPlan } from "./plan.ts";
import { findAsset, markFailed, markReady, saveVariant } from "./store.ts";

export type Conversion = {
  readonly sql: Db;
  readonly storage: Storage;
  readonly plan?: Plan;
  /** Default 60,000. */
  readonly deadlineMs?: number;
  /** The decoder's program; tests hand in ones that misbehave. */
  readonly decoder?: string;
};

export type ConversionResult =
  | { readonly type: "ready" }
  | { readonly type: "failed"; readonly refusal: Refusal }
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
  if (asset?.status !== "processing") return { type: "settled" };
  const answer = await storage.withLocalFile(originalKey(asset.sha256), input =>
    storage.withScratch(dir => decode(conversion, asset, { input, dir, attempt, signal })),
  );
  if (!answer) throw new Error(`the original of ${assetId} is not in storage`);
  return "look" in answer ? finish(sql, origin, asset, answer.look) : giveUp(sql, asset, answer.refusal);
}

type Attempt = { input: string; dir: string; attempt: number; signal: AbortSignal | undefined };

async function decode(
  { sql, storage, plan = variantPlan, deadlineMs = limits.decoderDeadlineMs, decoder }: Conversion,
  asset: Asset,
  { input, dir, attempt, signal }: Attempt,
): Promise<DecoderAnswer> {
  let ordinal = 0;
  const onVariant = async (made: MadeVariant) => {
    await storage.moveIn(join(dir, made.sha256), variantKey(made.sha256, made.format));
    await transaction(sql, tx => saveVariant(tx, asset.storeId, asset.id, ordinal, made));
    ordinal += made.names.length;
  };
  const { maxPixels, maxFrames } = limits;
  const task = { input, format: asset.format, outputDir: dir, plan, maxPixels, maxFrames };
  try {
    return await runDecoder(task, { deadlineMs, signal, onVariant, program: decoder });
  } catch (error) {
    const blamed = error instanceof DecoderCrash && attempt > FORGIVEN_CRASHES && !signal?.aborted;
    if (!blamed) throw error;
    const message = "The picture could not be decoded in time, or brought the decoder down.";
    return { refusal: { code: "decoder_crashed", message } };
  }
}

async function finish(
  sql: Db,
  origin: Origin,
  asset: Asset,
  look: Extract<DecoderAnswer, { look: unknown }>["look"],
): Promise<ConversionResult> {
  return transaction(sql, async tx => {
    if (!(await markReady(tx, asset.storeId, asset.id, look))) return { type: "settled" };
    await emit(tx, origin, { type: "media.changed", assetId: asset.id });
    return { type: "ready" };
  });
}

async function giveUp(sql: Db, asset: Asset, refusal: Refusal): Promise<ConversionResult> {
  const first = await transaction(sql, tx => markFailed(tx, asset.storeId, asset.id, refusal));
  return first ? { type: "failed", refusal } : { type: "settled" };
}
