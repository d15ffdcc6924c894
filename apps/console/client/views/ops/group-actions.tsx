/** What is done with all letters of one error: replay them, try some first, discard them. */
import { useState } from "preact/hooks";
import { Button } from "../../parts/button.tsx";
import { confirm, Dialog } from "../../parts/dialog.tsx";
import { TextField } from "../../parts/field.tsx";
import { tell } from "../../parts/toast.tsx";
import { ask } from "../../state/api.ts";
import { count } from "../../state/format.ts";
import { mayOperate } from "../../state/session.ts";
import type { LetterGroup } from "../../state/wire.ts";

/** Letters that one request replays or discards at most. */
const BATCH = 500;

type Props = { group: LetterGroup; onDone: () => void };

/** Asks again until none is left, or as many as were open when it began are done. */
async function inBatches(most: number, step: (limit: number) => Promise<{ count: number }>): Promise<number> {
  let done = 0;
  while (done < most) {
    const limit = Math.min(BATCH, most - done);
    const answer = await step(limit);
    done += answer.count;
    if (answer.count < limit) break;
  }
  return done;
}

const letters = (n: number) => `${count(n)} ${n === 1 ? "letter" : "letters"}`;

export function GroupActions({ group, onDone }: Props) {
  const [canary, setCanary] = useState(false);
  const operate = mayOperate("ops");
  const { fingerprint, kind } = group;
  const of = <span class="hidden-text"> the group {group.error.slice(0, 60)}</span>;

  const replay = () =>
    confirm({
      title: `Replay ${letters(group.count)}?`,
      text: (
        <p>
          All jobs of <code>{kind}</code> that died of this error are enqueued again, each once. If the cause
          is still there they die again; a canary finds that out with a few of them.
        </p>
      ),
      action: "Replay all",
      run: async () => {
        const done = await inBatches(group.count, limit =>
          ask("/ops/dead/replay", { method: "POST", json: { fingerprint, limit } }),
        );
        tell(`${letters(done)} replayed.`);
        onDone();
      },
    });

  const discard = () =>
    confirm({
      title: `Discard ${letters(group.count)}?`,
      text: <p>They are kept for the record and never run again.</p>,
      action: "Discard all",
      danger: true,
      reason: { label: "Reason", required: true },
      run: async reason => {
        const done = await inBatches(group.count, limit =>
          ask("/ops/dead/discard", { method: "POST", json: { fingerprint, kind, limit, reason } }),
        );
        tell(`${letters(done)} discarded.`);
        onDone();
      },
    });

  return (
    <span class="row end">
      <Button small disabled={!operate} onPress={replay}>
        Replay{of}
      </Button>
      <Button small disabled={!operate} onPress={() => setCanary(true)}>
        Canary{of}
      </Button>
      <Button small tone="danger" disabled={!operate} onPress={discard}>
        Discard{of}
      </Button>
      {canary && <CanaryDialog group={group} onClose={() => setCanary(false)} onDone={onDone} />}
    </span>
  );
}

function CanaryDialog({ group, onClose, onDone }: Props & { onClose: () => void }) {
  const [size, setSize] = useState("1");
  const [carryOn, setCarryOn] = useState(false);
  const fault =
    /^\d+$/.test(size) && Number(size) >= 1 && Number(size) <= BATCH
      ? null
      : `A whole number from 1 to ${BATCH}.`;
  const submit = async () => {
    if (fault) throw new Error(fault);
    const { fingerprint, kind } = group;
    await ask("/ops/dead/canaries", {
      method: "POST",
      json: { fingerprint, kind, size: Number(size), carryOn },
    });
    tell("The first portion is out.");
    onDone();
  };
  return (
    <Dialog title="Replay a canary" action="Start the canary" onSubmit={submit} onClose={onClose}>
      <p>
        A few letters go first. When they end well the next portion may follow, twice as large; at the first
        failure it stops by itself.
      </p>
      <TextField
        label="Letters in the first portion"
        type="number"
        inputMode="numeric"
        min={1}
        max={BATCH}
        value={size}
        onValue={setSize}
        fault={fault}
      />
      <label class="choice">
        <input
          type="checkbox"
          checked={carryOn}
          onChange={event => setCarryOn(event.currentTarget.checked)}
        />
        <span>
          Go on by itself while all is well <span class="muted">– else it waits to be told</span>
        </span>
      </label>
    </Dialog>
  );
}
