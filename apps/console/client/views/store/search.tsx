/** How the shop is searched: what was looked for, and what the merchant says about words. */
import { Link } from "../../parts/link.tsx";
import { Page } from "../../parts/page.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Empty, Shown } from "../../parts/state.tsx";
import { Table } from "../../parts/table.tsx";
import { count } from "../../state/format.ts";
import { useRead } from "../../state/query.ts";
import type { SearchReport, SearchSettings } from "../../state/wire.ts";
import { WordsForm } from "./search-words.tsx";

export function SearchView() {
  const report = useRead<SearchReport>("/admin/search/analytics?limit=10", { everyMs: 60_000 });
  const settings = useRead<SearchSettings>("/admin/search/settings");
  return (
    <Page title="Search">
      <Shown reading={report}>{one => <Report of={one} />}</Shown>
      <Shown reading={settings}>{one => <WordsForm of={one} onSaved={settings.put} />}</Shown>
    </Page>
  );
}

function Report({ of }: { of: SearchReport }) {
  const { searches, withoutResult, clicks } = of;
  const tiles = [
    ["Searches", searches],
    ["Without a result", withoutResult],
    ["Clicks on hits", clicks],
  ] as const;
  return (
    <>
      <Panel title="Thirty days" note={`${of.from} to ${of.to}, UTC`} padded>
        <dl class="tiles">
          {tiles.map(([name, n]) => (
            <div key={name} class="tile">
              <dt>{name}</dt>
              <dd>{count(n)}</dd>
            </div>
          ))}
        </dl>
      </Panel>
      <div class="grid-2">
        <Queries title="Searched most" rows={of.popular} none="Nobody has searched yet" />
        <Queries title="Found nothing" rows={of.fruitless} none="Every search found something" />
        <Clicked rows={of.clicked} />
      </div>
    </>
  );
}

type QueriesProps = { title: string; rows: SearchReport["popular"]; none: string };

function Queries({ title, rows, none }: QueriesProps) {
  return (
    <Panel title={title}>
      {rows.length === 0 ? (
        <Empty icon="search" title={none} />
      ) : (
        <Table
          dense
          caption={title}
          rows={rows}
          keyOf={one => one.query}
          columns={[
            { title: "Search", cell: one => <span>{one.query}</span> },
            { title: "Times", number: true, cell: one => count(one.searches) },
            { title: "Without a result", number: true, cell: one => count(one.withoutResult) },
            { title: "Clicks", number: true, cell: one => count(one.clicks) },
          ]}
        />
      )}
    </Panel>
  );
}

function Clicked({ rows }: { rows: SearchReport["clicked"] }) {
  return (
    <Panel title="Chosen most">
      {rows.length === 0 ? (
        <Empty icon="products" title="No hit was chosen yet" />
      ) : (
        <Table
          caption="Products by clicks on hits"
          rows={rows}
          keyOf={one => one.productId}
          columns={[
            {
              title: "Product",
              cell: one => <Link to={`/products/${one.productId}`}>{one.title ?? one.productId}</Link>,
            },
            { title: "Clicks", number: true, cell: one => count(one.clicks) },
          ]}
        />
      )}
    </Panel>
  );
}
