/** Orders: look one up by its number, its buyer's mail, its id or its state. */
import { useState } from "preact/hooks";
import { Status } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { SelectField, TextField } from "../../parts/field.tsx";
import { Link } from "../../parts/link.tsx";
import { Page } from "../../parts/page.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Empty } from "../../parts/state.tsx";
import { ListTable } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { withQuery } from "../../state/api.ts";
import { count, money, words } from "../../state/format.ts";
import { useList } from "../../state/query.ts";
import { go, place, setQuery } from "../../state/router.ts";
import { useSignal } from "../../state/signal.ts";
import type { Order } from "../../state/wire.ts";

const statuses = ["pending", "placed", "completed", "cancelled", "refused"];

/** What somebody typed, as the filter that it is: an address has an @, everything else is a number. */
function filterOf(text: string): { email?: string; number?: string } {
  if (text === "") return {};
  return text.includes("@") ? { email: text } : { number: text.replace(/^#/, "").toUpperCase() };
}

export function OrdersView() {
  const { query } = useSignal(place);
  const [q, status] = [query.get("q") ?? "", query.get("status") ?? ""];
  const orders = useList<Order>(withQuery("/admin/orders", { ...filterOf(q), status, limit: 50 }));
  return (
    <Page
      title="Orders"
      actions={
        <Button icon="refresh" onPress={orders.reload}>
          Refresh
        </Button>
      }
    >
      <Panel>
        <Filters key={q} q={q} status={status} />
        <ListTable<Order>
          caption="Orders, newest first"
          listing={orders}
          keyOf={order => order.id}
          empty={
            <Empty icon="orders" title={q || status ? "No such order" : "No orders yet"}>
              {q || status
                ? "Look for a whole number (9GR302HH) or the buyer's whole mail address."
                : "The first checkout shows up here."}
            </Empty>
          }
          columns={[
            { title: "Order", cell: order => <Link to={`/orders/${order.id}`}>{order.number}</Link> },
            { title: "Buyer", class: "clip", cell: order => order.email },
            { title: "Status", cell: order => <Status of={order.status} /> },
            { title: "Payment", cell: order => words(order.paymentStatus) },
            { title: "Sent", cell: order => words(order.fulfilmentStatus) },
            {
              title: "Units",
              number: true,
              cell: order => count(order.lines.reduce((sum, line) => sum + line.quantity, 0)),
            },
            { title: "Total", number: true, cell: order => money(order.totalMinor, order.currency) },
            { title: "Made", cell: order => <Time at={order.placedAt ?? order.createdAt} /> },
          ]}
        />
      </Panel>
    </Page>
  );
}

function Filters({ q, status }: { q: string; status: string }) {
  const [typed, setTyped] = useState(q);
  const search = (event: Event) => {
    event.preventDefault();
    const wanted = typed.trim();
    if (wanted.startsWith("ord_")) go(`/orders/${wanted}`);
    else setQuery("q", wanted);
  };
  return (
    <form class="filters" aria-label="Search" onSubmit={search}>
      <TextField
        wide
        label="Number, mail address or id"
        type="search"
        value={typed}
        onValue={setTyped}
        placeholder="9GR302HH or ada@example.org"
        maxLength={200}
      />
      <SelectField
        label="Status"
        value={status}
        onValue={value => setQuery("status", value)}
        options={[["", "any status"], ...statuses.map(one => [one, one] as const)]}
      />
      <Button type="submit">Search</Button>
    </form>
  );
}
