/** What an operator does with a pool: more or fewer processes, let the autoscaler decide, pause it. */
import { useState } from "preact/hooks";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { confirm } from "../../parts/dialog.tsx";
import { attempt, tell } from "../../parts/toast.tsx";
import { ask } from "../../state/api.ts";
import { mayOperate } from "../../state/session.ts";
import type { PoolState } from "../../state/wire.ts";
import { ScaleDialog } from "./scale-dialog.tsx";

const change = (priority: string, json: object) => ask(`/ops/pools/${priority}`, { method: "PATCH", json });

export function PoolLevers({ pool }: { pool: PoolState }) {
  const [scaling, setScaling] = useState(false);
  const { priority, processes, target } = pool;
  const serving = processes.filter(one => !one.draining).length;
  const operate = mayOperate("ops");
  return (
    <>
      <span class="small nowrap" title={pool.reason ?? undefined}>
        <strong>{serving}</strong> of {target ?? serving}{" "}
        {(target ?? serving) === 1 ? "process" : "processes"}
        {pool.mode && <span class="muted"> · {pool.mode === "auto" ? "automatic" : "by hand"}</span>}
      </span>
      {pool.paused && (
        <Badge tone="warn" icon="pause">
          paused
        </Badge>
      )}
      <Button small icon="pools" disabled={!operate} onPress={() => setScaling(true)}>
        Scale<span class="hidden-text"> the pool {priority}</span>
      </Button>
      {pool.paused !== undefined && <PauseButton pool={pool} operate={operate} />}
      {scaling && <ScaleDialog pool={pool} onClose={() => setScaling(false)} />}
    </>
  );
}

function PauseButton({ pool: { priority, paused }, operate }: { pool: PoolState; operate: boolean }) {
  const resume = () => attempt(() => change(priority, { paused: false }), `The pool ${priority} goes on.`);
  const pause = () =>
    confirm({
      title: `Pause the pool ${priority}?`,
      text: (
        <p>
          None of its jobs starts until somebody resumes it. Those that run are finished; nothing is lost.
        </p>
      ),
      action: "Pause the pool",
      danger: true,
      run: async () => {
        await change(priority, { paused: true });
        tell(`The pool ${priority} is paused.`);
      },
    });
  return (
    <Button small icon={paused ? "play" : "pause"} disabled={!operate} onPress={paused ? resume : pause}>
      {paused ? "Resume" : "Pause"}
      <span class="hidden-text"> the pool {priority}</span>
    </Button>
  );
}
