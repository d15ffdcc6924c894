/** The pools and their kinds: how many processes, what runs, and the levers. */
import { Page } from "../../parts/page.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Empty, Loading } from "../../parts/state.tsx";
import { Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { bytes } from "../../state/format.ts";
import { snapshot } from "../../state/live.ts";
import { useSignal } from "../../state/signal.ts";
import type { Autoscaler, PoolState, WorkerProcess } from "../../state/wire.ts";
import { PoolMark } from "./kind-mark.tsx";
import { KindTable } from "./kind-table.tsx";
import { PoolLevers } from "./pool-levers.tsx";
import { SaleNotice, SaleSwitch, useSale } from "./sale.tsx";

export function PoolsView() {
  const now = useSignal(snapshot);
  const sale = useSale();
  return (
    <Page title="Pools & kinds" actions={<SaleSwitch sale={sale} />}>
      <SaleNotice sale={sale} />
      {now === null ? (
        <Loading what="Waiting for the first sample" />
      ) : (
        now.pools.map(pool => <Pool key={pool.priority} pool={pool} />)
      )}
      {now?.autoscaler && <Decisions autoscaler={now.autoscaler} />}
    </Page>
  );
}

const titles: Record<string, string> = { high: "High", normal: "Normal", low: "Low" };

function Pool({ pool }: { pool: PoolState }) {
  return (
    <Panel
      title={titles[pool.priority] ?? pool.priority}
      note={<PoolMark priority={pool.priority} label="priority" />}
      actions={<PoolLevers pool={pool} />}
    >
      <KindTable pool={pool} />
      <Processes pool={pool} />
    </Panel>
  );
}

function Processes({ pool }: { pool: PoolState }) {
  if (pool.processes.length === 0) {
    return (
      <Empty icon="pools" title="No process serves this pool">
        {pool.target === 0
          ? "Its target is 0: its jobs wait."
          : "They may be starting; else look at the supervisor's log."}
      </Empty>
    );
  }
  return (
    <details class="processes">
      <summary>
        {pool.processes.length} {pool.processes.length === 1 ? "process" : "processes"}
      </summary>
      <Table<WorkerProcess>
        caption={`Processes of the pool ${pool.priority}`}
        rows={pool.processes}
        keyOf={one => one.worker}
        columns={[
          { title: "Worker", cell: one => <code>{one.worker}</code> },
          { title: "Host", cell: one => one.host },
          { title: "Pid", number: true, cell: one => String(one.pid) },
          { title: "Busy with", number: true, cell: one => String(one.busy) },
          { title: "Memory", number: true, cell: one => bytes(one.rssMb * 1e6) },
          { title: "Up since", cell: one => <Time at={one.since} /> },
          { title: "State", cell: one => (one.draining ? "leaving" : "serving") },
        ]}
      />
    </details>
  );
}

function Decisions({ autoscaler }: { autoscaler: Autoscaler }) {
  return (
    <Panel title="Autoscaler" note={<>decided by {autoscaler.leader}, latest first</>}>
      {autoscaler.decisions.length === 0 ? (
        <Empty icon="check" title="No change so far" />
      ) : (
        <Table
          caption="Decisions of the autoscaler"
          rows={autoscaler.decisions}
          keyOf={one => one.at + one.priority}
          columns={[
            { title: "Pool", cell: one => <PoolMark priority={one.priority} /> },
            { title: "Processes", cell: one => `${one.from} → ${one.to}` },
            { title: "Why", cell: one => one.reason },
            { title: "When", cell: one => <Time at={one.at} /> },
          ]}
        />
      )}
    </Panel>
  );
}
