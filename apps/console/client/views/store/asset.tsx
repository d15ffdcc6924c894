/** One picture with everything that was made of it. */
import { useEffect, useState } from "preact/hooks";
import { Status } from "../../parts/badge.tsx";
import { Copyable } from "../../parts/copy.tsx";
import { Icon } from "../../parts/icon.tsx";
import { Link } from "../../parts/link.tsx";
import { Page } from "../../parts/page.tsx";
import { Facts, Panel } from "../../parts/panel.tsx";
import { altOf, Picture } from "../../parts/picture.tsx";
import { Empty, Shown } from "../../parts/state.tsx";
import { Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { bytes } from "../../state/format.ts";
import { useRead } from "../../state/query.ts";
import type { Asset } from "../../state/wire.ts";
import { AssetActions } from "./asset-actions.tsx";

/** The asset as it changes, while it is being made. */
function useAsset(id: string) {
  const reading = useRead<Asset>(`/admin/media/${id}`);
  const [newer, setNewer] = useState<Asset>();
  const isOpen = reading.data !== undefined && isUnderWay(reading.data);
  useEffect(() => {
    if (!isOpen) return;
    const events = new EventSource(`/admin/media/${id}/events`);
    const take = (event: Event) => {
      const asset: Asset = JSON.parse((event as MessageEvent<string>).data);
      setNewer(asset);
      // The server ends the stream then, and the browser would open it again.
      if (!isUnderWay(asset)) events.close();
    };
    for (const name of ["progress", "ready", "failed"]) events.addEventListener(name, take);
    return () => events.close();
  }, [id, isOpen]);
  const put = (asset: Asset) => {
    setNewer(undefined);
    reading.put(asset);
  };
  return { ...reading, put, data: newer ?? reading.data };
}

const isUnderWay = ({ status, complete }: Asset) => status !== "failed" && !complete;

export function AssetView({ id }: { id: string }) {
  const asset = useAsset(id);
  return (
    <Page
      title={asset.data?.filename ?? "Picture"}
      up={{ to: "/media", title: "Media" }}
      beside={asset.data && <Status of={asset.data.status} />}
      actions={asset.data && <AssetActions asset={asset.data} onChange={asset.put} />}
    >
      <Shown reading={asset}>
        {one => (
          <div class="grid-main">
            <div class="stack">
              {one.error && (
                <div class="notice" data-tone="bad" role="alert">
                  <Icon name="dead" />
                  <span>{one.error.message}</span>
                </div>
              )}
              {isUnderWay(one) && (
                <progress
                  class="bar"
                  max={one.progress.total}
                  value={one.progress.done}
                  aria-label="Variants made"
                />
              )}
              <Picture
                variants={one.variants}
                alt={altOf(one)}
                width={800}
                size="whole"
                colour={one.colour}
              />
              <Variants asset={one} />
            </div>
            <Panel title="About" padded>
              <About asset={one} />
            </Panel>
          </div>
        )}
      </Shown>
    </Page>
  );
}

function About({ asset }: { asset: Asset }) {
  const { width, height } = asset;
  return (
    <Facts
      of={[
        ["Id", <Copyable key="id" value={asset.id} what="id" />],
        ["Original", `${asset.format}${width ? `, ${width} × ${height}` : ""}, ${bytes(asset.bytes)}`],
        ["Moves", asset.animated ? "yes" : "no"],
        ["Alternative text", asset.alt],
        ["Colour", asset.colour],
        ["Product", asset.productId && <Link to={`/products/${asset.productId}`}>{asset.productId}</Link>],
        ["Uploaded", <Time key="at" at={asset.createdAt} exact />],
      ]}
    />
  );
}

function Variants({ asset }: { asset: Asset }) {
  return (
    <Panel title="Variants" note={`${asset.progress.done} of ${asset.progress.total}`}>
      {asset.variants.length === 0 ? (
        <Empty
          icon="media"
          title={asset.status === "failed" ? "None could be made" : "They are being made"}
        />
      ) : (
        <Table
          caption="Variants of the picture"
          rows={asset.variants}
          keyOf={one => `${one.name} ${one.format}`}
          columns={[
            {
              title: "Variant",
              cell: one => (
                <a href={one.url} target="_blank" rel="noreferrer">
                  {one.name} {one.format}
                </a>
              ),
            },
            { title: "Size", number: true, cell: one => `${one.width} × ${one.height}` },
            { title: "Bytes", number: true, cell: one => bytes(one.bytes) },
            {
              title: "Of the original",
              number: true,
              cell: one => `${Math.round((one.bytes / asset.bytes) * 100)} %`,
            },
          ]}
        />
      )}
    </Panel>
  );
}
