/** Dialogs, on the browser's own <dialog>: it traps the focus, closes with Escape and gives the focus back. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { ApiError } from "../state/api.ts";
import { signal, useSignal } from "../state/signal.ts";
import { Button } from "./button.tsx";
import { TextField } from "./field.tsx";

type DialogProps = {
  title: string;
  action: string;
  danger?: boolean;
  wide?: boolean;
  /** There is nothing to cancel: the action closes it. */
  plain?: boolean;
  /** Runs the action; the dialog closes when it is done, and shows what went wrong. */
  onSubmit: () => Promise<unknown>;
  onClose: () => void;
  children?: ComponentChildren;
};

export function Dialog({ title, action, danger, wide, plain, onSubmit, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    return () => before?.focus?.();
  }, []);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await onSubmit();
      dialog.current?.close();
    } catch (failed) {
      setError(failed instanceof ApiError || failed instanceof Error ? failed.message : String(failed));
    }
    setBusy(false);
  };
  return (
    <dialog ref={dialog} class="dialog" data-wide={wide || undefined} aria-labelledby={id} onClose={onClose}>
      <form onSubmit={event => void submit(event)}>
        <h2 id={id}>{title}</h2>
        {children}
        {error && (
          <p class="fault" role="alert">
            {error}
          </p>
        )}
        <div class="dialog-actions">
          {!plain && <Button onPress={() => dialog.current?.close()}>Cancel</Button>}
          <Button type="submit" tone={danger ? "danger-full" : "primary"} disabled={busy}>
            {action}
          </Button>
        </div>
      </form>
    </dialog>
  );
}

/** What is asked before something that can't be taken back or that stops work. */
export type Question = {
  title: string;
  text: ComponentChildren;
  action: string;
  danger?: boolean;
  /** Asks for a reason, which `run` gets; empty when it is optional. */
  reason?: { label: string; required: boolean };
  run: (reason: string) => Promise<unknown>;
};

const question = signal<Question | null>(null);

export const confirm = (one: Question) => question.set(one);

/** Stands once in the shell. */
export function Confirmation() {
  const asked = useSignal(question);
  const [reason, setReason] = useState("");
  useEffect(() => setReason(""), [asked]);
  if (!asked) return null;
  const submit = async () => {
    if (asked.reason?.required && reason.trim() === "")
      throw new Error(`${asked.reason.label}: say something here.`);
    await asked.run(reason.trim());
  };
  return (
    <Dialog
      title={asked.title}
      action={asked.action}
      danger={asked.danger ?? false}
      onSubmit={submit}
      onClose={() => question.set(null)}
    >
      <div class="prose">{asked.text}</div>
      {asked.reason && (
        <TextField
          label={asked.reason.label}
          value={reason}
          onValue={setReason}
          maxLength={500}
          required={asked.reason.required}
        />
      )}
    </Dialog>
  );
}
