import { useRef, useState } from "preact/hooks";
import { Button } from "../../parts/button.tsx";
import { Spark } from "../../parts/chart.tsx";
import { confirm } from "../../parts/dialog.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { attempt, tell } from "../../parts/toast.tsx";
import { ask } from "../../state/api.ts";
import { count, duration, rate } from "../../state/format.ts";
import { mayOperate } from "../../state/session.ts";
import type { KindState, PoolState } from "../../state/wire.ts";
import { KindDialog } from "./kind-dialog.tsx";
import { KindMark } from "./kind-mark.tsx";

const KEPT = 60;

/** What waited of each kind while this view has been open. */
function useWaiting(pool: PoolState): Map<string, number[]> {
  const past = useRef(new Map<string, number[]>());
  const seen = useRef<PoolState | null>(null);
  if (seen.current !== pool) {
    seen.current = pool;
    for (const kind of pool.kinds) {
      past.current.set(kind.kind, [...(past.current.get(kind.kind) ?? []), kind.waiting].slice(-KEPT));
    }
  }
  return past.current;
}

export function KindTable({ pool }: { pool: PoolState }) {
  const [edited, setEdited] = useState<string | null>(null);
  const past = useWaiting(pool);
  const operate = mayOperate("ops");
  const kind = pool.kinds.find(one => one.kind === edited);
  const columns: Column<KindState>[] = [
    {
      title: "Kind",
      cell: one => (
        <span class="stack-tight">
          <KindMark kind={one} priority={pool.priority} />
          <PauseReason kind={one} />
        </span>
      ),
    },
    {
      title: "Waiting",
      number: true,
      cell: one => (
        <span class="with-spark">
          <Spark values={past.get(one.kind) ?? []} />
          {count(one.waiting)}
        </span>
      ),
    },
    { title: "Running", number: true, cell: one => count(one.running) },
    { title: "Cap", number: true, cell: one => <Cap kind={one} /> },
    { title: "Later", number: true, cell: one => count(one.delayed) },
    { title: "Per second", number: true, cell: one => rate(one.perSecond) },
    { title: "p95", number: true, cell: one => duration(one.p95Ms) },
    { title: "Oldest", number: true, cell: one => duration(one.oldestMs) },
    {
      title: "Actions",
      unnamed: true,
      class: "nowrap number",
      cell: one => (
        <span class="row end">
          <Button small disabled={!operate} onPress={() => setEdited(one.kind)}>
            Limits<span class="hidden-text"> of {one.kind}</span>
          </Button>
          <PauseButton kind={one} operate={operate} />
        </span>
      ),
    },
  ];
  return (
    <>
      <Table
        dense
        caption={`Kinds of the pool ${pool.priority}`}
        columns={columns}
        rows={pool.kinds}
        keyOf={one => one.kind}
      />
      {kind && <KindDialog kind={kind} onClose={() => setEdited(null)} />}
    </>
  );
}

function Cap({ kind: { cap, capNow = cap, rate: limit } }: { kind: KindState }) {
  return (
    <>
      {capNow === cap ? count(cap) : `${count(capNow)} of ${count(cap)}`}
      {limit && (
        <div class="small muted">
          {count(limit.limit)} / {limit.per}
        </div>
      )}
    </>
  );
}

function PauseReason({ kind: { pauses = [] } }: { kind: KindState }) {
  const told = pauses.filter(one => one.by === "downstream");
  if (told.length === 0) return null;
  return <span class="small muted">{told.map(one => one.reason).join("; ")}</span>;
}

function PauseButton({ kind, operate }: { kind: KindState; operate: boolean }) {
  const mine = kind.pauses === undefined ? kind.paused : kind.pauses.some(one => one.by === "operator");
  const set = (paused: boolean) => ask(`/ops/kinds/${kind.kind}`, { method: "PATCH", json: { paused } });
  const pause = () =>
    confirm({
      title: `Pause ${kind.kind}?`,
      text: (
        <p>
          No job of this kind starts until somebody resumes it. Those that run are finished; the others wait
          and lose no try.
        </p>
      ),
      action: "Pause",
      danger: true,
      run: async () => {
        await set(true);
        tell(`${kind.kind} is paused.`);
      },
    });
  const resume = () => attempt(() => set(false), `${kind.kind} goes on.`);
  return (
    <Button small icon={mine ? "play" : "pause"} disabled={!operate} onPress={mine ? resume : pause}>
      {mine ? "Resume" : "Pause"}
      <span class="hidden-text"> {kind.kind}</span>
    </Button>
  );
}
