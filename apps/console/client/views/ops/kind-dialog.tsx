import { useState } from "preact/hooks";
import { Dialog } from "../../parts/dialog.tsx";
import { SelectField, TextField } from "../../parts/field.tsx";
import { tell } from "../../parts/toast.tsx";
import { ask } from "../../state/api.ts";
import type { KindState } from "../../state/wire.ts";

const MAX_CAP = 100_000;
const MAX_RATE = 1_000_000;

const isWhole = (text: string, max: number) => /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= max;

/** How many jobs of a kind run at once, and how many start in a time, over all processes of the cluster. */
export function KindDialog({ kind, onClose }: { kind: KindState; onClose: () => void }) {
  const [cap, setCap] = useState(String(kind.cap));
  const [limit, setLimit] = useState(kind.rate ? String(kind.rate.limit) : "");
  const [per, setPer] = useState(kind.rate?.per ?? "second");
  const capFault = isWhole(cap, MAX_CAP) ? null : `A whole number from 1 to ${MAX_CAP}.`;
  const rateFault =
    limit === "" || isWhole(limit, MAX_RATE) ? null : `A whole number from 1 to ${MAX_RATE}, or nothing.`;
  const submit = async () => {
    if (capFault || rateFault) throw new Error("Some fields need another look.");
    const json = {
      cap: Number(cap),
      ...(kind.rate === undefined ? {} : { rate: limit === "" ? null : { limit: Number(limit), per } }),
    };
    await ask(`/ops/kinds/${kind.kind}`, { method: "PATCH", json });
    tell(`The limits of ${kind.kind} are saved.`);
  };
  return (
    <Dialog title={`Limits of ${kind.kind}`} action="Save" onSubmit={submit} onClose={onClose}>
      <TextField
        label="Cap: running at once in the whole cluster"
        type="number"
        inputMode="numeric"
        min={1}
        max={MAX_CAP}
        value={cap}
        onValue={setCap}
        fault={capFault}
        hint="Takes effect at once and outlives restarts."
      />
      {kind.rate !== undefined && (
        <>
          <TextField
            label="Rate: starts at most (empty: no limit)"
            type="number"
            inputMode="numeric"
            min={1}
            max={MAX_RATE}
            value={limit}
            onValue={setLimit}
            fault={rateFault}
            hint="For a quota of a mail service or a partner. Jobs that must wait for it lose no try."
          />
          <SelectField
            label="Per"
            value={per}
            onValue={setPer}
            options={[
              ["second", "second"],
              ["minute", "minute"],
              ["hour", "hour"],
            ]}
          />
        </>
      )}
    </Dialog>
  );
}
