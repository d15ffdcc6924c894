import { Badge, type Tone } from "../../parts/badge.tsx";
import { Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import type { Alert } from "../../state/wire.ts";

const tones: Record<string, Tone> = { critical: "bad", warning: "warn", info: "info" };

export function AlertList({ alerts }: { alerts: Alert[] }) {
  return (
    <Table
      caption="Alerts"
      rows={alerts}
      keyOf={one => one.id}
      columns={[
        {
          title: "Alert",
          cell: one => (
            <>
              <strong>{one.rule}</strong> {one.subject && <span class="kind-name">{one.subject}</span>}
            </>
          ),
        },
        { title: "What", cell: one => one.summary },
        {
          title: "Severity",
          cell: one => <Badge tone={tones[one.severity] ?? "plain"}>{one.severity}</Badge>,
        },
        {
          title: "State",
          cell: one => (
            <Badge tone={one.state === "firing" ? "bad" : one.state === "resolved" ? "ok" : "plain"}>
              {one.state}
            </Badge>
          ),
        },
        { title: "Since", cell: one => <Time at={one.firedAt ?? one.since} /> },
        { title: "Resolved", cell: one => (one.resolvedAt ? <Time at={one.resolvedAt} /> : "") },
      ]}
    />
  );
}
