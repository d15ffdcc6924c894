/** The shop's figures: what was sold by day, what sells best, what runs out, what is looked for. */
import { Button } from "../../parts/button.tsx";
import { Chart } from "../../parts/chart.tsx";
import { SelectField } from "../../parts/field.tsx";
import { Link } from "../../parts/link.tsx";
import { Page } from "../../parts/page.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Empty, Shown } from "../../parts/state.tsx";
import { Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { withQuery } from "../../state/api.ts";
import { count, money } from "../../state/format.ts";
import { useRead } from "../../state/query.ts";
import { place, setQuery } from "../../state/router.ts";
import { useSignal } from "../../state/signal.ts";
import type { Figures } from "../../state/wire.ts";

const spans = [
  ["7", "a week"],
  ["30", "30 days"],
  ["90", "90 days"],
] as const;
const day = new Intl.DateTimeFormat(navigator.language, { day: "numeric", month: "short", timeZone: "UTC" });

export function FiguresView() {
  const { query } = useSignal(place);
  const days = query.get("days") ?? "30";
  const reading = useRead<Figures>(withQuery("/admin/dashboard", { days }), { everyMs: 60_000 });
  return (
    <Page
      title="Figures"
      beside={
        reading.data && (
          <span class="muted small">
            as of <Time at={reading.data.asOf} />
          </span>
        )
      }
      actions={
        <Button icon="refresh" onPress={reading.reload}>
          Refresh
        </Button>
      }
    >
      <form class="filters" aria-label="Span">
        <SelectField
          label="Span"
          value={days}
          onValue={value => setQuery("days", value)}
          options={spans.map(([value, text]) => [value, text] as const)}
        />
      </form>
      <Shown reading={reading}>{figures => <All of={figures} />}</Shown>
    </Page>
  );
}

function All({ of }: { of: Figures }) {
  return (
    <>
      {of.sales.length === 0 && (
        <Panel title="Sales" padded>
          <Empty icon="orders" title="Nothing was sold in these days" />
        </Panel>
      )}
      {of.sales.map(one => (
        <Sales key={one.currency} of={one} />
      ))}
      <div class="grid-2">
        <BestSellers rows={of.bestSellers} />
        <LowStock rows={of.lowStock} />
        <Searches of={of.searches} />
      </div>
    </>
  );
}

function Sales({ of: { currency, orders, revenueMinor, days } }: { of: Figures["sales"][number] }) {
  const times = days.map(one => Date.parse(`${one.day}T00:00:00Z`));
  const common = { times, latest: "today", when: (at: number) => day.format(at) };
  return (
    <div class="grid-2">
      <Panel title={`Revenue, ${currency}`} note={`${money(revenueMinor, currency)} in all`} padded>
        <Chart
          {...common}
          title={`Revenue by day, ${currency}`}
          series={[{ name: "revenue", values: days.map(one => one.revenueMinor) }]}
          show={minor => money(minor, currency)}
          least={1_000}
        />
      </Panel>
      <Panel title={`Orders, ${currency}`} note={`${count(orders)} in all`} padded>
        <Chart
          {...common}
          title={`Orders by day, ${currency}`}
          series={[{ name: "orders", values: days.map(one => one.orders) }]}
          show={count}
          least={10}
        />
      </Panel>
    </div>
  );
}

function BestSellers({ rows }: { rows: Figures["bestSellers"] }) {
  return (
    <Panel title="Best sellers">
      {rows.length === 0 ? (
        <Empty icon="products" title="None yet" />
      ) : (
        <Table
          caption="Products by units sold"
          rows={rows}
          keyOf={one => one.productId}
          columns={[
            { title: "Product", cell: one => <Link to={`/products/${one.productId}`}>{one.title}</Link> },
            { title: "Units", number: true, cell: one => count(one.units) },
          ]}
        />
      )}
    </Panel>
  );
}

function LowStock({ rows }: { rows: Figures["lowStock"] }) {
  return (
    <Panel title="Low stock" note="at or below the threshold of its place">
      {rows.length === 0 ? (
        <Empty icon="check" title="Nothing runs out" />
      ) : (
        <Table
          caption="Variants whose stock is low"
          rows={rows}
          keyOf={one => `${one.variantId} ${one.locationId}`}
          columns={[
            {
              title: "Product",
              cell: one => (
                <Link to={`/products/${one.productId}`}>{one.title ?? one.sku ?? one.variantId}</Link>
              ),
            },
            { title: "Left", number: true, cell: one => count(one.available) },
            {
              title: "Threshold",
              number: true,
              cell: one => (one.lowThreshold === null ? "–" : count(one.lowThreshold)),
            },
          ]}
        />
      )}
    </Panel>
  );
}

function Searches({ of: { searches, withoutResult, popular } }: { of: Figures["searches"] }) {
  return (
    <Panel title="Searches" note={`${count(searches)}, ${count(withoutResult)} of them without a result`}>
      {popular.length === 0 ? (
        <Empty icon="jobs" title="Nobody has searched yet" />
      ) : (
        <Table
          caption="Most frequent searches"
          rows={popular}
          keyOf={one => one.query}
          columns={[
            { title: "Search", cell: one => one.query },
            { title: "Times", number: true, cell: one => count(one.searches) },
          ]}
        />
      )}
    </Panel>
  );
}
