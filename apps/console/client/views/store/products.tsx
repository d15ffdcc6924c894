/** The catalog, to look at; it is changed by imports and the API. */
import { useState } from "preact/hooks";
import { Status } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { SelectField, TextField } from "../../parts/field.tsx";
import { Link } from "../../parts/link.tsx";
import { Page } from "../../parts/page.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Picture } from "../../parts/picture.tsx";
import { Empty } from "../../parts/state.tsx";
import { ListTable } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { withQuery } from "../../state/api.ts";
import { count, money } from "../../state/format.ts";
import { useList } from "../../state/query.ts";
import { place, setQuery } from "../../state/router.ts";
import { useSignal } from "../../state/signal.ts";
import type { Product } from "../../state/wire.ts";

export function ProductsView() {
  const { query } = useSignal(place);
  const [q, status] = [query.get("q") ?? "", query.get("status") ?? ""];
  const products = useList<Product>(withQuery("/admin/products", { q, status, limit: 50 }));
  return (
    <Page title="Products">
      <Panel>
        <Filters key={q} q={q} status={status} />
        <ListTable<Product>
          caption="Products, newest first"
          listing={products}
          keyOf={product => product.id}
          empty={
            <Empty icon="products" title={q || status ? "Nothing fits" : "No products yet"}>
              {q || status
                ? "Try other words or another status."
                : "Import a product file to fill the catalog."}
            </Empty>
          }
          columns={[
            {
              title: "Product",
              cell: product => (
                <span class="with-picture">
                  <Picture variants={product.images[0]?.variants ?? []} alt="" width={80} size="small" />
                  <Link to={`/products/${product.id}`}>{product.title}</Link>
                </span>
              ),
            },
            { title: "Vendor", cell: product => product.vendor },
            { title: "Status", cell: product => <Status of={product.status} /> },
            { title: "Variants", number: true, cell: product => count(product.variants.length) },
            { title: "Price", number: true, cell: priceOf },
            {
              title: "In stock",
              number: true,
              cell: product => (
                <Stock units={product.variants.reduce((sum, one) => sum + one.available, 0)} />
              ),
            },
            { title: "Changed", cell: product => <Time at={product.updatedAt} /> },
          ]}
        />
      </Panel>
    </Page>
  );
}

/** None left is told in words, not by a colour alone. */
export function Stock({ units }: { units: number }) {
  return units > 0 ? <span>{count(units)}</span> : <span class="fault">none left</span>;
}

function priceOf({ variants }: Product): string {
  const prices = variants.map(one => one.price).filter(price => price !== null);
  const [first] = prices;
  if (!first) return "–";
  const least = Math.min(...prices.map(price => price.amountMinor));
  const most = Math.max(...prices.map(price => price.amountMinor));
  return least === most ? money(least, first.currency) : `from ${money(least, first.currency)}`;
}

function Filters({ q, status }: { q: string; status: string }) {
  const [typed, setTyped] = useState(q);
  const search = (event: Event) => {
    event.preventDefault();
    setQuery("q", typed.trim());
  };
  return (
    <form class="filters" aria-label="Search" onSubmit={search}>
      <TextField
        wide
        label="Title, vendor, handle or SKU"
        type="search"
        value={typed}
        onValue={setTyped}
        maxLength={200}
      />
      <SelectField
        label="Status"
        value={status}
        onValue={value => setQuery("status", value)}
        options={[
          ["", "any status"],
          ["active", "active"],
          ["draft", "draft"],
          ["archived", "archived"],
        ]}
      />
      <Button type="submit">Search</Button>
    </form>
  );
}
