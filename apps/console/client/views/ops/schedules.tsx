/** What runs by the clock. */
import { Badge, Status } from "../../parts/badge.tsx";
import { Link } from "../../parts/link.tsx";
import { Page } from "../../parts/page.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Empty } from "../../parts/state.tsx";
import { ListTable } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { useList } from "../../state/query.ts";
import type { Schedule } from "../../state/wire.ts";
import { ScheduleActions } from "./schedule-actions.tsx";

export function SchedulesView() {
  const schedules = useList<Schedule>("/ops/schedules");
  return (
    <Page title="Schedules">
      <Panel>
        <ListTable<Schedule>
          caption="Schedules"
          listing={schedules}
          keyOf={one => one.name}
          empty={
            <Empty icon="clock" title="No schedules">
              Nothing runs by the clock.
            </Empty>
          }
          columns={[
            {
              title: "Schedule",
              cell: one => (
                <span class="stack-tight">
                  <Link to={`/schedules/${encodeURIComponent(one.name)}`}>{one.name}</Link>
                  <span class="muted small">{one.about}</span>
                </span>
              ),
            },
            { title: "When", cell: one => <When schedule={one} /> },
            { title: "Job", cell: one => <span class="kind-name">{one.kind}</span> },
            { title: "Next", cell: one => <Next schedule={one} /> },
            { title: "Last", cell: one => one.last && <Time at={one.last.firedAt} /> },
            { title: "Became", cell: one => one.last && <Status of={one.last.status ?? one.last.outcome} /> },
            {
              title: "Actions",
              unnamed: true,
              class: "nowrap number",
              cell: one => <ScheduleActions schedule={one} onDone={schedules.reload} />,
            },
          ]}
        />
      </Panel>
    </Page>
  );
}

export function When({ schedule: { cron, timeZone } }: { schedule: Schedule }) {
  return (
    <span>
      <code>{cron}</code> <span class="muted small nowrap">{timeZone}</span>
    </span>
  );
}

export function Next({ schedule: { paused, nextTick } }: { schedule: Schedule }) {
  if (!paused) return <Time at={nextTick} />;
  return (
    <Badge tone="warn" icon="pause">
      paused
    </Badge>
  );
}
