import { Link } from "../../parts/link.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Empty } from "../../parts/state.tsx";
import { Table } from "../../parts/table.tsx";
import { count, duration, rate } from "../../state/format.ts";
import type { KindState, PoolState } from "../../state/wire.ts";
import { KindMark } from "./kind-mark.tsx";

const SHOWN = 8;

type Row = KindState & { priority: string };

/** How much a kind deserves to be looked at. */
const weight = (kind: Row) => kind.waiting + kind.running * 10 + kind.perSecond + kind.delayed;

/** The kinds with something to do, the fullest first. */
export function BusyKinds({ pools }: { pools: readonly PoolState[] }) {
  const rows = pools
    .flatMap(pool => pool.kinds.map(kind => ({ ...kind, priority: pool.priority })))
    .filter(kind => weight(kind) > 0)
    .sort((a, b) => weight(b) - weight(a))
    .slice(0, SHOWN);
  return (
    <Panel title="Busy kinds" actions={<Link to="/pools">All kinds</Link>}>
      {rows.length === 0 ? (
        <Empty icon="check" title="Nothing to do">
          No job waits or runs right now.
        </Empty>
      ) : (
        <Table
          dense
          caption="Kinds of job with something to do"
          rows={rows}
          keyOf={row => row.kind}
          columns={[
            { title: "Kind", cell: row => <KindMark kind={row} priority={row.priority} /> },
            { title: "Waiting", number: true, cell: row => count(row.waiting) },
            { title: "Running", number: true, cell: row => `${count(row.running)} of ${count(row.cap)}` },
            { title: "Later", number: true, cell: row => count(row.delayed) },
            { title: "Per second", number: true, cell: row => rate(row.perSecond) },
            { title: "p95", number: true, cell: row => duration(row.p95Ms) },
            { title: "Oldest", number: true, cell: row => duration(row.oldestMs) },
          ]}
        />
      )}
    </Panel>
  );
}
