/** One product: its pictures, variants, prices and stock. */
import { Status } from "../../parts/badge.tsx";
import { Copyable } from "../../parts/copy.tsx";
import { Link } from "../../parts/link.tsx";
import { Page } from "../../parts/page.tsx";
import { Facts, Panel } from "../../parts/panel.tsx";
import { Picture } from "../../parts/picture.tsx";
import { Empty, Shown } from "../../parts/state.tsx";
import { Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { money } from "../../state/format.ts";
import { useRead } from "../../state/query.ts";
import type { Product } from "../../state/wire.ts";
import { Stock } from "./products.tsx";

export function ProductView({ id }: { id: string }) {
  const product = useRead<Product>(`/admin/products/${encodeURIComponent(id)}`);
  return (
    <Page
      title={product.data?.title ?? "Product"}
      up={{ to: "/products", title: "Products" }}
      beside={product.data && <Status of={product.data.status} />}
    >
      <Shown reading={product}>
        {one => (
          <div class="grid-main">
            <div class="stack">
              <Variants product={one} />
              <Pictures product={one} />
            </div>
            <Panel title="About" padded>
              <Facts
                of={[
                  ["Id", <Copyable key="id" value={one.id} what="id" />],
                  ["Handle", one.handle],
                  ["Vendor", one.vendor],
                  ["Tags", one.tags.join(", ")],
                  ["Changed", <Time key="at" at={one.updatedAt} exact />],
                ]}
              />
            </Panel>
          </div>
        )}
      </Shown>
    </Page>
  );
}

function Variants({ product }: { product: Product }) {
  return (
    <Panel title="Variants">
      <Table
        caption="Variants of the product"
        rows={product.variants}
        keyOf={one => one.id}
        columns={[
          { title: "Variant", cell: one => one.title || product.title },
          { title: "SKU", cell: one => one.sku && <code>{one.sku}</code> },
          { title: "Barcode", cell: one => one.barcode },
          {
            title: "Price",
            number: true,
            cell: one => (one.price ? money(one.price.amountMinor, one.price.currency) : "–"),
          },
          { title: "In stock", number: true, cell: one => <Stock units={one.available} /> },
        ]}
      />
    </Panel>
  );
}

function Pictures({ product }: { product: Product }) {
  return (
    <Panel title="Pictures">
      {product.images.length === 0 ? (
        <Empty icon="media" title="No pictures">
          Pictures are given to a product when they are uploaded, or by a product file.
        </Empty>
      ) : (
        <ul class="gallery">
          {product.images.map((image, i) => (
            <li key={image.assetId ?? i} class="tile-picture">
              <Picture
                variants={image.variants}
                alt={image.alt || `Picture ${i + 1} of ${product.title}`}
                width={300}
              />
              <span class="caption">
                {image.assetId ? (
                  <Link to={`/media/${image.assetId}`}>Picture {i + 1}</Link>
                ) : (
                  <span class="muted">lives elsewhere</span>
                )}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
