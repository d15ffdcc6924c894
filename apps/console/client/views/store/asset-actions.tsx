/** What a merchant does to a picture: delete it, or have it made again where that failed. */
import { Button } from "../../parts/button.tsx";
import { confirm } from "../../parts/dialog.tsx";
import { attempt, tell } from "../../parts/toast.tsx";
import { ApiError, ask } from "../../state/api.ts";
import { go } from "../../state/router.ts";
import { mayOperate } from "../../state/session.ts";
import { assetsChanged } from "../../state/uploads.ts";
import type { Asset } from "../../state/wire.ts";

const retry = (id: string) => ask<Asset>(`/admin/media/${id}/retry`, { method: "POST" });
const changed = () => assetsChanged.set(assetsChanged.get() + 1);

export function AssetActions({ asset, onChange }: { asset: Asset; onChange: (asset: Asset) => void }) {
  const operate = mayOperate("store");
  const again = () =>
    attempt(async () => {
      onChange(await retry(asset.id));
      changed();
    }, "It is being made again.");
  const remove = () =>
    confirm({
      title: "Delete the picture?",
      text: (
        <p>
          It goes with all its sizes and formats, and the product that shows it shows it no longer. This can't
          be taken back.
        </p>
      ),
      action: "Delete",
      danger: true,
      run: async () => {
        await ask(`/admin/media/${asset.id}`, { method: "DELETE" });
        changed();
        tell(`${asset.filename ?? "The picture"} is deleted.`);
        go("/media");
      },
    });
  return (
    <>
      {asset.error && (
        <Button icon="refresh" disabled={!operate} onPress={again}>
          Try again
        </Button>
      )}
      <Button tone="danger" disabled={!operate} onPress={remove}>
        Delete…
      </Button>
    </>
  );
}

type RetryAllProps = { assets: readonly Asset[]; hasMore: boolean; onDone: () => void };

/** Of the failed pictures that are shown. */
export function RetryAll({ assets, hasMore, onDone }: RetryAllProps) {
  const failed = assets.filter(one => one.error);
  const all = async () => {
    await attempt(async () => {
      for (const { id } of failed) await retry(id).catch(passOver);
    }, "They are being made again.");
    changed();
    onDone();
  };
  if (failed.length === 0) return null;
  return (
    <Button icon="refresh" disabled={!mayOperate("store")} onPress={all}>
      {hasMore ? `Try these ${failed.length} again` : "Try all again"}
    </Button>
  );
}

/** Somebody else has deleted it or had it made again. */
function passOver(error: unknown): void {
  if (!(error instanceof ApiError) || (error.status !== 404 && error.status !== 409)) throw error;
}
