/** The payload as JSON, to be replayed as it is or corrected. The API holds it against the kind's schema. */
import { useState } from "preact/hooks";
import { Button } from "../../parts/button.tsx";
import { AreaField } from "../../parts/field.tsx";
import { tell } from "../../parts/toast.tsx";
import { ApiError, ask, type FieldError } from "../../state/api.ts";
import { mayOperate } from "../../state/session.ts";
import type { Letter, Schema } from "../../state/wire.ts";
import { payloadFaults } from "./payload-faults.ts";

type Props = { letter: Letter; onReplayed: () => void };

export function PayloadEditor({ letter, onReplayed }: Props) {
  const original = JSON.stringify(letter.payload, null, 2);
  const [text, setText] = useState(original);
  const [refused, setRefused] = useState<FieldError[]>([]);
  const operate = mayOperate("ops");
  const { payload, faults } = payloadFaults(text, letter.schema ?? null);
  const isEdited = JSON.stringify(payload) !== JSON.stringify(letter.payload);
  const edit = (value: string) => {
    setText(value);
    setRefused([]);
  };
  const replay = async () => {
    const json = { ids: [letter.id], ...(isEdited ? { payload } : {}) };
    try {
      const answer = await ask<{ count: number }>("/ops/dead/replay", { method: "POST", json });
      if (answer.count === 0) tell("It was replayed or discarded meanwhile.", "bad");
      else tell(isEdited ? "Replayed with the corrected payload." : "Replayed.");
      onReplayed();
    } catch (error) {
      const errors = error instanceof ApiError ? error.errors : [];
      if (errors.length > 0) setRefused(errors);
      else tell((error as Error).message, "bad");
    }
  };
  const told = [...faults, ...refused.map(one => `${one.path}: ${one.message}`)];
  return (
    <div class="stack">
      <AreaField
        label="Payload (JSON)"
        value={text}
        onValue={edit}
        rows={Math.min(18, original.split("\n").length + 2)}
        fault={told.join(" · ") || null}
        hint="Change it here to replay it corrected."
      />
      <SchemaHint schema={letter.schema ?? null} />
      <div class="row">
        <Button tone="primary" disabled={!operate || faults.length > 0} onPress={replay}>
          {isEdited ? "Replay with this payload" : "Replay"}
        </Button>
        {isEdited && <Button onPress={() => edit(original)}>Take the changes back</Button>}
      </div>
    </div>
  );
}

function SchemaHint({ schema }: { schema: Schema | null }) {
  const fields = Object.entries(schema?.properties ?? {});
  if (fields.length === 0) return null;
  return (
    <details>
      <summary class="small">What this kind takes</summary>
      <ul class="small schema">
        {fields.map(([name, { type, description }]) => (
          <li key={name}>
            <code>{name}</code>{" "}
            <span class="muted">
              {[type, description, schema?.required?.includes(name) ? "required" : "optional"]
                .filter(Boolean)
                .join(", ")}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
