/** The cluster at one glance: is anything piling up, is anything dead, is anybody working. */
import { Chart, type Series } from "../../parts/chart.tsx";
import { Link } from "../../parts/link.tsx";
import { Page } from "../../parts/page.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Loading } from "../../parts/state.tsx";
import { count, duration, rate } from "../../state/format.ts";
import { points, snapshot } from "../../state/live.ts";
import { useRead } from "../../state/query.ts";
import { useSignal } from "../../state/signal.ts";
import type { Alert, Point, PoolPoint, Snapshot } from "../../state/wire.ts";
import { AlertList } from "./alert-list.tsx";
import { BusyKinds } from "./busy-kinds.tsx";
import { SaleNotice, useSale } from "./sale.tsx";

const POOLS = ["high", "normal", "low"] as const;

function seriesOf(all: readonly Point[], pick: (one: PoolPoint) => number | null): Series[] {
  return POOLS.map(name => ({
    name,
    values: all.map(point => (point.pools[name] ? pick(point.pools[name]) : null)),
  }));
}

const sum = (values: number[]) => values.reduce((total, one) => total + one, 0);

export function OverviewView() {
  const now = useSignal(snapshot);
  const past = useSignal(points);
  const alerts = useRead<{ items: Alert[] }>("/ops/alerts?state=firing&limit=5", { everyMs: 10_000 });
  const sale = useSale();
  const times = past.map(point => point.at);
  return (
    <Page title="Overview">
      <SaleNotice sale={sale} />
      {now === null ? <Loading lines={3} what="Waiting for the first sample" /> : <Tiles now={now} />}
      {alerts.data && alerts.data.items.length > 0 && (
        <Panel title="Firing alerts" actions={<Link to="/alerts">All alerts</Link>}>
          <AlertList alerts={alerts.data.items} />
        </Panel>
      )}
      <div class="grid-2">
        <Panel title="Waiting jobs" padded>
          <Chart
            title="Waiting jobs"
            times={times}
            series={seriesOf(past, one => one.waiting)}
            show={count}
            least={10}
          />
        </Panel>
        <Panel title="Jobs done per second" padded>
          <Chart
            title="Jobs done per second"
            times={times}
            series={seriesOf(past, one => one.perSecond)}
            show={rate}
            least={5}
          />
        </Panel>
        <Panel title="Age of the oldest job" padded>
          <Chart
            title="Age of the oldest job"
            times={times}
            series={seriesOf(past, one => one.oldestMs ?? 0)}
            show={duration}
            least={1_000}
          />
        </Panel>
        <Panel title="Run time, 95th percentile" padded>
          <Chart
            title="Run time, 95th percentile"
            times={times}
            series={seriesOf(past, one => one.p95Ms)}
            show={duration}
            least={100}
          />
        </Panel>
      </div>
      {now && <BusyKinds pools={now.pools} />}
    </Page>
  );
}

function Tiles({ now }: { now: Snapshot }) {
  const { pools, status } = now;
  const kinds = pools.flatMap(pool => pool.kinds);
  const paused = kinds.filter(kind => kind.paused).length;
  const tiles: [string, string, string][] = [
    [
      "Waiting",
      count(sum(kinds.map(kind => kind.waiting))),
      `${count(sum(kinds.map(kind => kind.delayed)))} for later`,
    ],
    [
      "Running",
      count(sum(kinds.map(kind => kind.running))),
      `${rate(sum(kinds.map(kind => kind.perSecond)))} done per second`,
    ],
    [
      "Workers",
      count(sum(pools.map(pool => pool.processes.filter(one => !one.draining).length))),
      pools.map(pool => `${pool.priority} ${pool.processes.length}`).join(", "),
    ],
    [
      "Outbox",
      count(status.outbox.due),
      status.outbox.oldestMs === null ? "nothing due" : `oldest ${duration(status.outbox.oldestMs)}`,
    ],
    ["Dead letters", count(status.dead), status.dead === 0 ? "none open" : "open"],
    ["Paused kinds", count(paused), paused === 0 ? "all run" : "see Pools & kinds"],
  ];
  return (
    <dl class="tiles">
      {tiles.map(([title, value, note]) => (
        <div key={title} class="panel tile">
          <dt>{title}</dt>
          <dd>
            {value}
            <div class="small">{note}</div>
          </dd>
        </div>
      ))}
    </dl>
  );
}
