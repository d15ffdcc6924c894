/** The store's pictures, and putting new ones there. */
import { useEffect } from "preact/hooks";
import { Badge, Status } from "../../parts/badge.tsx";
import { Drop } from "../../parts/drop.tsx";
import { SelectField } from "../../parts/field.tsx";
import { Link } from "../../parts/link.tsx";
import { Page } from "../../parts/page.tsx";
import { Panel } from "../../parts/panel.tsx";
import { altOf, Picture } from "../../parts/picture.tsx";
import { Empty, Failure, Loading } from "../../parts/state.tsx";
import { More } from "../../parts/table.tsx";
import { withQuery } from "../../state/api.ts";
import { bytes, count } from "../../state/format.ts";
import { useList, useRead } from "../../state/query.ts";
import { place, setQuery } from "../../state/router.ts";
import { mayOperate } from "../../state/session.ts";
import { useSignal } from "../../state/signal.ts";
import { assetsChanged, upload } from "../../state/uploads.ts";
import type { Asset, MediaUsage } from "../../state/wire.ts";
import { RetryAll } from "./asset-actions.tsx";
import { UploadList } from "./upload-list.tsx";

const ACCEPT = "image/jpeg,image/png,image/webp,image/avif,image/gif,image/tiff,image/svg+xml,image/heic";

export function MediaView() {
  const { query } = useSignal(place);
  const status = query.get("status") ?? "";
  const assets = useList<Asset>(withQuery("/admin/media", { status, limit: 60 }));
  const changed = useSignal(assetsChanged);
  useEffect(() => {
    if (changed > 0) assets.reload();
  }, [changed]);
  const operate = mayOperate("store");
  return (
    <Page title="Media" beside={<Usage changed={changed} />} actions={<Link to="/media/sizes">Sizes</Link>}>
      <Drop
        title="Drop pictures here"
        action="Choose pictures"
        accept={ACCEPT}
        multiple
        disabled={!operate}
        onFiles={upload}
      >
        {operate
          ? "Several at once, or paste one. Sizes and formats are made in the background."
          : "This session looks only."}
      </Drop>
      <UploadList />
      <Panel>
        <div class="filters">
          <SelectField
            label="Status"
            value={status}
            onValue={value => setQuery("status", value)}
            options={[
              ["", "all"],
              ["ready", "ready"],
              ["processing", "processing"],
              ["failed", "failed"],
            ]}
          />
          {status === "failed" && (
            <RetryAll assets={assets.items} hasMore={assets.hasMore} onDone={assets.reload} />
          )}
        </div>
        <Gallery assets={assets} isFiltered={status !== ""} />
      </Panel>
    </Page>
  );
}

/** How much of what the store may keep is taken. */
function Usage({ changed }: { changed: number }) {
  const usage = useRead<MediaUsage>("/admin/media/usage");
  useEffect(() => {
    if (changed > 0) usage.reload();
  }, [changed]);
  if (!usage.data) return null;
  const { assets, bytes: taken, maxBytes } = usage.data;
  return (
    <span class="muted small">
      {count(assets)} pictures, {bytes(taken)} of {bytes(maxBytes)}
    </span>
  );
}

function Gallery({ assets, isFiltered }: { assets: ReturnType<typeof useList<Asset>>; isFiltered: boolean }) {
  if (assets.data === undefined)
    return assets.error ? <Failure error={assets.error} retry={assets.reload} /> : <Loading />;
  if (assets.items.length === 0) {
    return (
      <Empty icon="media" title={isFiltered ? "None of this status" : "No pictures yet"}>
        {isFiltered ? "Choose another status above." : "Drop the first one above."}
      </Empty>
    );
  }
  return (
    <>
      <ul class="gallery">
        {assets.items.map(asset => (
          <li key={asset.id}>
            <Link to={`/media/${asset.id}`} class="tile-picture">
              <Picture variants={asset.variants} alt={altOf(asset)} width={300} colour={asset.colour} />
              <span class="caption">
                <span>{asset.filename ?? asset.id}</span>
                {asset.status === "ready" ? (
                  <Badge tone="ok">{asset.format}</Badge>
                ) : (
                  <Status of={asset.status} />
                )}
              </span>
            </Link>
          </li>
        ))}
      </ul>
      <More listing={assets} />
    </>
  );
}
