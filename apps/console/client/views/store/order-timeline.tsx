import { Panel } from "../../parts/panel.tsx";
import { Shown } from "../../parts/state.tsx";
import { Time } from "../../parts/time.tsx";
import { money } from "../../state/format.ts";
import { type Page, useRead } from "../../state/query.ts";
import type { Order, OrderEvent } from "../../state/wire.ts";

const titles: Record<string, string> = {
  "order.created": "Checkout begun",
  "order.placed": "Order placed",
  "order.cancelled": "Order cancelled",
  "order.completed": "Order completed",
  "payment.captured": "Payment captured",
  "payment.voided": "Payment voided",
  "payment.refunded": "Payment refunded",
};

export function OrderTimeline({ order }: { order: Order }) {
  const events = useRead<Page<OrderEvent>>(
    `/admin/orders/${encodeURIComponent(order.id)}/timeline?limit=100`,
  );
  return (
    <Panel title="What happened" padded>
      <Shown reading={events} lines={3}>
        {({ items }) => (
          <ol class="timeline">
            {items.map(event => (
              <li
                key={event.id}
                data-tone={event.type.includes("cancel") || event.type.includes("fail") ? "bad" : undefined}
              >
                <span class="row">
                  <strong>{titles[event.type] ?? headline(event.type)}</strong>
                  <Time at={event.at} exact />
                </span>
                <span class="muted small">{detailOf(event, order.currency)}</span>
              </li>
            ))}
          </ol>
        )}
      </Shown>
    </Panel>
  );
}

/** `fulfilment.requested` → `Fulfilment requested`. */
function headline(type: string): string {
  const text = type.replaceAll(/[._]/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The facts of an event that are for people: money, reasons, names of carriers. */
function detailOf({ data, author }: OrderEvent, currency: string): string {
  const parts = Object.entries(data).flatMap(([name, value]) => {
    if (value === null || typeof value === "object" || /id$/i.test(name) || name === "number") return [];
    if (name.endsWith("Minor")) return [money(Number(value), currency)];
    return [`${headline(name.replaceAll(/([A-Z])/g, " $1").toLowerCase())}: ${value}`];
  });
  return [...parts, author ? `by the key ${author}` : "by the shop itself"].join(" · ");
}
