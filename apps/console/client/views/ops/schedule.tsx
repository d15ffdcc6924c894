/** One schedule with its ticks. */
import { Status } from "../../parts/badge.tsx";
import { Link } from "../../parts/link.tsx";
import { Page } from "../../parts/page.tsx";
import { Facts, Panel } from "../../parts/panel.tsx";
import { Empty, Shown } from "../../parts/state.tsx";
import { ListTable } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { useList, useRead } from "../../state/query.ts";
import type { Schedule, Tick } from "../../state/wire.ts";
import { ScheduleActions } from "./schedule-actions.tsx";
import { Next, When } from "./schedules.tsx";

export function ScheduleView({ name }: { name: string }) {
  const path = `/ops/schedules/${encodeURIComponent(name)}`;
  const schedule = useRead<Schedule>(path);
  const ticks = useList<Tick>(`${path}/ticks?limit=50`);
  const again = () => {
    schedule.reload();
    ticks.reload();
  };
  return (
    <Page
      title={name}
      up={{ to: "/schedules", title: "Schedules" }}
      actions={schedule.data && <ScheduleActions schedule={schedule.data} onDone={again} />}
    >
      <Panel padded>
        <Shown reading={schedule} lines={3}>
          {one => (
            <Facts
              of={[
                ["What", one.about],
                ["When", <When key="when" schedule={one} />],
                ["Next", <Next key="next" schedule={one} />],
                [
                  "Job",
                  <Link key="job" to={`/jobs?kind=${one.kind}`}>
                    {one.kind}
                  </Link>,
                ],
                [
                  "While one runs",
                  one.overlap === "skip" ? "the next is left out" : "the next runs beside it",
                ],
                ["Note", one.note],
              ]}
            />
          )}
        </Shown>
      </Panel>
      <Panel title="Ticks" note="kept for a month">
        <ListTable<Tick>
          caption="Ticks, latest first"
          listing={ticks}
          keyOf={one => one.tick}
          empty={<Empty icon="clock" title="It has not been due yet" />}
          columns={[
            { title: "Due", cell: one => <Time at={one.tick} exact /> },
            { title: "By", cell: one => (one.byHand ? "hand" : "the clock") },
            { title: "Job", cell: one => <Link to={`/jobs/${one.jobId}`}>{one.jobId.slice(-12)}</Link> },
            {
              title: "Became",
              cell: one => <Status of={one.outcome === "dropped" ? "dropped" : (one.status ?? "queued")} />,
            },
          ]}
        />
      </Panel>
    </Page>
  );
}
