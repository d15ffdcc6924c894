import { Button } from "../../parts/button.tsx";
import { confirm } from "../../parts/dialog.tsx";
import { attempt, tell } from "../../parts/toast.tsx";
import { ask } from "../../state/api.ts";
import { mayOperate } from "../../state/session.ts";
import type { Schedule } from "../../state/wire.ts";

export function ScheduleActions({ schedule, onDone }: { schedule: Schedule; onDone: () => void }) {
  const operate = mayOperate("ops");
  const { name, paused } = schedule;
  const path = `/ops/schedules/${encodeURIComponent(name)}`;
  const set = (json: object) => ask(path, { method: "PATCH", json });

  const pause = () =>
    confirm({
      title: `Pause ${name}?`,
      text: <p>It is not run until somebody resumes it, and what it misses is not made up for.</p>,
      action: "Pause",
      danger: true,
      reason: { label: "Why (others will read it)", required: false },
      run: async note => {
        await set({ paused: true, ...(note ? { note } : {}) });
        onDone();
      },
    });
  const resume = async () => {
    if (await attempt(() => set({ paused: false }), `${name} goes on.`)) onDone();
  };
  const run = () =>
    confirm({
      title: `Run ${name} now?`,
      text: <p>{schedule.about} It runs once more beside its schedule.</p>,
      action: "Run now",
      run: async () => {
        const { outcome } = await ask<{ outcome: string }>(`${path}/run`, { method: "POST" });
        tell(
          outcome === "dropped"
            ? "The job of before is still open, so no new one was made."
            : "Its job is queued.",
        );
        onDone();
      },
    });
  return (
    <span class="row end">
      <Button small disabled={!operate} onPress={run}>
        Run now<span class="hidden-text">: {name}</span>
      </Button>
      <Button small icon={paused ? "play" : "pause"} disabled={!operate} onPress={paused ? resume : pause}>
        {paused ? "Resume" : "Pause"}
        <span class="hidden-text"> {name}</span>
      </Button>
    </span>
  );
}
