/** What an operator does with a pool: more or fewer processes, let the autoscaler decide, pause it. */
import { useState } from "preact/hooks";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { confirm, Dialog } from "../../parts/dialog.tsx";
import { TextField } from "../../parts/field.tsx";
import { attempt } from "../../parts/toast.tsx";
import { ask } from "../../state/api.ts";
import { mayOperate } from "../../state/session.ts";
import type { PoolState } from "../../state/wire.ts";

const MAX = 1_000;

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
      run: () => change(priority, { paused: true }),
    });
  return (
    <Button small icon={paused ? "play" : "pause"} disabled={!operate} onPress={paused ? resume : pause}>
      {paused ? "Resume" : "Pause"}
      <span class="hidden-text"> the pool {priority}</span>
    </Button>
  );
}

function ScaleDialog({ pool, onClose }: { pool: PoolState; onClose: () => void }) {
  const { priority, target, processes, mode } = pool;
  const [wanted, setWanted] = useState(String(target ?? processes.length));
  const number = /^\d{1,4}$/.test(wanted) ? Number(wanted) : Number.NaN;
  const fault = Number.isNaN(number) || number > MAX ? `A whole number from 0 to ${MAX}.` : null;
  const step = (by: number) => setWanted(String(Math.max(0, (Number.isNaN(number) ? 0 : number) + by)));
  const submit = async () => {
    if (fault) throw new Error(fault);
    await change(priority, { processes: number });
  };
  const auto = async () => {
    if (
      await attempt(() => change(priority, { auto: true }), `The autoscaler decides about ${priority} again.`)
    )
      onClose();
  };
  return (
    <Dialog
      title={`Scale the pool ${priority}`}
      action={number === 0 ? "Stop all its processes" : "Scale"}
      danger={number === 0}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextField
        label="Processes in the whole cluster"
        type="number"
        inputMode="numeric"
        min={0}
        max={MAX}
        value={wanted}
        onValue={setWanted}
        fault={fault}
        hint={
          number === 0
            ? "With 0 its jobs wait until somebody scales it up."
            : "Those that leave finish what they have started."
        }
      />
      <div class="row">
        <Button small onPress={() => step(-1)}>
          One less
        </Button>
        <Button small onPress={() => step(1)}>
          One more
        </Button>
        {mode === "manual" && (
          <Button small onPress={auto}>
            Let the autoscaler decide
          </Button>
        )}
      </div>
      {mode === "auto" && (
        <p class="hint">
          Until now the autoscaler decides: {pool.reason ?? "no reason given yet"}. A number of yours takes
          its place.
        </p>
      )}
    </Dialog>
  );
}
