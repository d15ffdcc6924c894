/** One order: what was bought, what it cost, and what has happened to it. */
import { Status } from "../../parts/badge.tsx";
import { Copyable } from "../../parts/copy.tsx";
import { Link } from "../../parts/link.tsx";
import { Page } from "../../parts/page.tsx";
import { Facts, Panel } from "../../parts/panel.tsx";
import { Shown } from "../../parts/state.tsx";
import { Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { count, money, words } from "../../state/format.ts";
import { useRead } from "../../state/query.ts";
import { session } from "../../state/session.ts";
import { useSignal } from "../../state/signal.ts";
import type { Order, OrderLine } from "../../state/wire.ts";
import { OrderTimeline } from "./order-timeline.tsx";

export function OrderView({ id }: { id: string }) {
  const order = useRead<Order>(`/admin/orders/${encodeURIComponent(id)}`);
  return (
    <Page
      title={order.data ? `Order ${order.data.number}` : "Order"}
      up={{ to: "/orders", title: "Orders" }}
      beside={order.data && <Status of={order.data.status} />}
    >
      <Shown reading={order}>
        {one => (
          <div class="grid-main">
            <div class="stack">
              <Lines order={one} />
              <OrderTimeline order={one} />
            </div>
            <div class="stack">
              <Panel title="Sum" padded>
                <Sum order={one} />
              </Panel>
              <Panel title="About" padded>
                <About order={one} />
              </Panel>
            </div>
          </div>
        )}
      </Shown>
    </Page>
  );
}

function Lines({ order }: { order: Order }) {
  return (
    <Panel title="Lines">
      <Table<OrderLine>
        caption="Lines of the order"
        rows={order.lines}
        keyOf={line => line.variantId}
        columns={[
          { title: "Article", cell: line => <Link to={`/products/${line.productId}`}>{line.title}</Link> },
          { title: "SKU", cell: line => line.sku && <code>{line.sku}</code> },
          { title: "Units", number: true, cell: line => count(line.quantity) },
          { title: "Each", number: true, cell: line => money(line.unitMinor, order.currency) },
          { title: "Sent", number: true, cell: line => count(line.fulfilledQuantity) },
          { title: "Back", number: true, cell: line => count(line.refundedQuantity) },
          { title: "Total", number: true, cell: line => money(line.totalMinor, order.currency) },
        ]}
      />
    </Panel>
  );
}

function Sum({ order }: { order: Order }) {
  const rows: [string, number][] = [
    ["Articles", order.subtotalMinor],
    ...(order.discountMinor ? [["Discount", -order.discountMinor] as [string, number]] : []),
    ["Shipping", order.shippingMinor],
    [order.taxIncluded ? "Tax (contained)" : "Tax", order.taxMinor],
  ];
  return (
    <dl class="sum">
      {rows.map(([name, minor]) => (
        <>
          <dt class="muted">{name}</dt>
          <dd>{money(minor, order.currency)}</dd>
        </>
      ))}
      <dt class="total">Total</dt>
      <dd class="total">{money(order.totalMinor, order.currency)}</dd>
      {order.refundedMinor > 0 && (
        <>
          <dt class="muted">Refunded</dt>
          <dd>{money(order.refundedMinor, order.currency)}</dd>
        </>
      )}
    </dl>
  );
}

function About({ order }: { order: Order }) {
  const who = useSignal(session);
  const { name, line1, line2, postalCode, city, country } = order.shippingAddress ?? {};
  const address = [name, line1, line2, [postalCode, city].filter(Boolean).join(" "), country]
    .filter(Boolean)
    .join(", ");
  return (
    <Facts
      of={[
        ["Id", <Copyable key="id" value={order.id} what="order's id" />],
        ["Buyer", order.email],
        ["Payment", words(order.paymentStatus)],
        ["Sent", words(order.fulfilmentStatus)],
        ["To", address],
        ["By", order.shippingMethod?.name],
        ["Note", order.note],
        ["Placed", <Time key="at" at={order.placedAt} exact />],
        // Jobs are for operators; who holds both keys gets from one to the other.
        ...(who?.ops
          ? [
              [
                "Jobs",
                <Link key="jobs" to={`/timeline?key=order:${order.id}`}>
                  what they did
                </Link>,
              ] as const,
            ]
          : []),
      ]}
    />
  );
}
