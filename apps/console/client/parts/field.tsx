/** Labelled controls. What is wrong stands below and is read with the control. */
import type { ComponentChildren, InputHTMLAttributes } from "preact";
import { useId } from "preact/hooks";

type FieldProps = {
  label: string;
  hint?: ComponentChildren;
  fault?: string | null | undefined;
  wide?: boolean;
};
type Described = { id: string; "aria-describedby"?: string; "aria-invalid"?: boolean };

function Field({
  label,
  hint,
  fault,
  wide,
  children,
}: FieldProps & { children: (props: Described) => ComponentChildren }) {
  const id = useId();
  const noteId = `${id}-note`;
  const described: Described = {
    id,
    ...(hint || fault ? { "aria-describedby": noteId } : {}),
    ...(fault ? { "aria-invalid": true } : {}),
  };
  return (
    <div class={wide ? "field wide" : "field"}>
      <label for={id}>{label}</label>
      {children(described)}
      {(fault || hint) && (
        <span id={noteId} class={fault ? "fault" : "hint"}>
          {fault || hint}
        </span>
      )}
    </div>
  );
}

type InputProps = FieldProps & {
  value: string;
  onValue: (value: string) => void;
  type?: "text" | "search" | "password" | "number";
  name?: string;
  inputMode?: "numeric";
  min?: number;
  max?: number;
  maxLength?: number;
  required?: boolean;
  placeholder?: string;
};

export function TextField({ label, hint, fault, wide, value, onValue, type = "text", ...rest }: InputProps) {
  // Preact's types tell inputs apart by a literal `type`.
  const input = { ...rest, type } as InputHTMLAttributes;
  return (
    <Field label={label} hint={hint} fault={fault} wide={wide ?? false}>
      {described => (
        <input
          class="input"
          autocomplete="off"
          {...input}
          {...described}
          value={value}
          onInput={event => onValue(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

type AreaProps = FieldProps & { value: string; onValue: (value: string) => void; rows?: number };

export function AreaField({ label, hint, fault, wide, value, onValue, rows = 10 }: AreaProps) {
  return (
    <Field label={label} hint={hint} fault={fault} wide={wide ?? false}>
      {described => (
        <textarea
          class="textarea"
          spellcheck={false}
          rows={rows}
          {...described}
          value={value}
          onInput={event => onValue(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

type SelectProps = FieldProps & {
  value: string;
  onValue: (value: string) => void;
  options: readonly (readonly [value: string, label: string])[];
};

export function SelectField({ label, hint, fault, wide, value, onValue, options }: SelectProps) {
  return (
    <Field label={label} hint={hint} fault={fault} wide={wide ?? false}>
      {described => (
        <select
          class="select"
          {...described}
          value={value}
          onChange={event => onValue(event.currentTarget.value)}
        >
          {options.map(([one, text]) => (
            <option key={one} value={one}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
