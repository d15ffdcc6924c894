import { useState } from "preact/hooks";
import { Dialog } from "../../parts/dialog.tsx";
import { SelectField, TextField } from "../../parts/field.tsx";
import { tell } from "../../parts/toast.tsx";
import { ask } from "../../state/api.ts";

const MAX_WIDTH = 1_920;
const MAX_HEIGHT = 3_840;

const isName = (text: string) => /^[a-z][a-z0-9-]{0,31}$/.test(text);
const isSide = (text: string, max: number) =>
  /^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= max;

export function PresetDialog({ onDone, onClose }: { onDone: () => void; onClose: () => void }) {
  const [name, setName] = useState("");
  const [width, setWidth] = useState("400");
  const [height, setHeight] = useState("400");
  const [crop, setCrop] = useState("yes");
  const faults = {
    name: name === "" || isName(name) ? null : "Lower-case letters, digits and hyphens, a letter first.",
    width: isSide(width, MAX_WIDTH) ? null : `A whole number from 1 to ${MAX_WIDTH}.`,
    height: isSide(height, MAX_HEIGHT) ? null : `A whole number from 1 to ${MAX_HEIGHT}.`,
  };
  const submit = async () => {
    if (!isName(name) || faults.width || faults.height) throw new Error("Some fields need another look.");
    const json = { width: Number(width), height: Number(height), crop: crop === "yes" };
    await ask(`/admin/media/presets/${name}`, { method: "PUT", json });
    tell(`The size ${name} is being made of all pictures.`);
    onDone();
  };
  const side = { type: "number", inputMode: "numeric", min: 1 } as const;
  return (
    <Dialog title="Declare a size" action="Declare" onSubmit={submit} onClose={onClose}>
      <TextField
        label="Name"
        value={name}
        onValue={setName}
        maxLength={32}
        required
        fault={faults.name}
        hint="Pages ask for it by this name. A size never changes; another one wants another name."
      />
      <TextField
        label="Width"
        {...side}
        max={MAX_WIDTH}
        value={width}
        onValue={setWidth}
        fault={faults.width}
      />
      <TextField
        label="Height"
        {...side}
        max={MAX_HEIGHT}
        value={height}
        onValue={setHeight}
        fault={faults.height}
      />
      <SelectField
        label="How pictures get into it"
        value={crop}
        onValue={setCrop}
        options={[
          ["yes", "they fill it, and are cut"],
          ["no", "they fit into it, whole"],
        ]}
      />
    </Dialog>
  );
}
