/** How many processes a pool has: a number by hand, or the autoscaler between two bounds. */
import { useState } from "preact/hooks";
import { Button } from "../../parts/button.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { TextField } from "../../parts/field.tsx";
import { tell } from "../../parts/toast.tsx";
import { ask } from "../../state/api.ts";
import type { PoolState } from "../../state/wire.ts";

const MAX = 1_000;

const numberOf = (text: string) => (/^\d{1,4}$/.test(text) && Number(text) <= MAX ? Number(text) : null);
const faultOf = (text: string) => (numberOf(text) === null ? `A whole number from 0 to ${MAX}.` : null);

type Props = { pool: PoolState; onClose: () => void };

export function ScaleDialog({ pool, onClose }: Props) {
  const [auto, setAuto] = useState(false);
  return auto ? (
    <AutoDialog pool={pool} onClose={onClose} />
  ) : (
    <ByHandDialog pool={pool} onClose={onClose} onAuto={() => setAuto(true)} />
  );
}

function ByHandDialog({ pool, onClose, onAuto }: Props & { onAuto: () => void }) {
  const { priority, target, processes, mode, reason } = pool;
  const [wanted, setWanted] = useState(String(target ?? processes.length));
  const number = numberOf(wanted);
  const step = (by: number) => setWanted(String(Math.min(MAX, Math.max(0, (number ?? 0) + by))));
  const submit = async () => {
    if (number === null) throw new Error(faultOf(wanted)!);
    await ask(`/ops/pools/${priority}`, { method: "PATCH", json: { processes: number } });
    tell(`The pool ${priority} gets ${number} ${number === 1 ? "process" : "processes"}.`);
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
        fault={faultOf(wanted)}
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
        {mode !== undefined && (
          <Button small onPress={onAuto}>
            {mode === "manual" ? "Let the autoscaler decide…" : "Bounds of the autoscaler…"}
          </Button>
        )}
      </div>
      {mode === "auto" && (
        <p class="hint">
          Until now the autoscaler decides: {reason ?? "no reason given yet"}. A number of yours takes its
          place.
        </p>
      )}
    </Dialog>
  );
}

function AutoDialog({ pool: { priority, floor, ceiling }, onClose }: Props) {
  const [least, setLeast] = useState(String(floor ?? 0));
  const [most, setMost] = useState(String(ceiling ?? 1));
  const [from, to] = [numberOf(least), numberOf(most)];
  const crossed = from !== null && to !== null && from > to ? "Not below the least." : null;
  const submit = async () => {
    if (from === null || to === null || crossed) throw new Error("Some fields need another look.");
    const json = {
      auto: true,
      // What was not touched stays as the settings have it.
      ...(from === floor ? {} : { floor: from }),
      ...(to === ceiling ? {} : { ceiling: to }),
    };
    await ask(`/ops/pools/${priority}`, { method: "PATCH", json });
    tell(`The autoscaler decides about the pool ${priority}.`);
  };
  const field = { type: "number", inputMode: "numeric", min: 0, max: MAX } as const;
  return (
    <Dialog
      title={`Scale the pool ${priority} by load`}
      action="Let the autoscaler decide"
      onSubmit={submit}
      onClose={onClose}
    >
      <TextField {...field} label="Least processes" value={least} onValue={setLeast} fault={faultOf(least)} />
      <TextField
        {...field}
        label="Most processes"
        value={most}
        onValue={setMost}
        fault={faultOf(most) ?? crossed}
      />
      <p class="hint">Between them it follows the age of the oldest job and what a process gets done.</p>
    </Dialog>
  );
}
