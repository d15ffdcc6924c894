/** Entering a key. It goes to the server once and is kept nowhere in this browser. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { TextField } from "../parts/field.tsx";
import { Icon } from "../parts/icon.tsx";
import { Link } from "../parts/link.tsx";
import { arrival } from "../parts/page.tsx";
import { go, place } from "../state/router.ts";
import { enter, type Role } from "../state/session.ts";
import { firstView } from "./index.ts";

export function Login({ adding }: { adding: boolean }) {
  const [key, setKey] = useState("");
  const [role, setRole] = useState<Role>("operate");
  const [fault, setFault] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    document.title = "Log in · Tradewind";
    arrival.done = true;
    form.current?.querySelector("input")?.focus();
  }, []);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (key.trim() === "") return setFault("Enter a key first.");
    setBusy(true);
    setFault(null);
    try {
      const before = adding;
      const opened = await enter(key, role);
      const area = key.trim().startsWith("op_") ? "/overview" : "/orders";
      if (before) go(area);
      else if (["/", "/enter"].includes(place.get().path)) go(firstView(opened), { replace: true });
    } catch (error) {
      setFault((error as Error).message);
      setBusy(false);
      form.current?.querySelector("input")?.focus();
    }
  };

  return (
    <main class="login">
      <form ref={form} class="panel login-card" onSubmit={event => void submit(event)}>
        <p class="brand">
          <Icon name="sail" size={24} />
          Tradewind
        </p>
        <h1>{adding ? "Add a key" : "Console"}</h1>
        <p class="muted">
          An ops key (<code>op_…</code>) opens the pools, jobs and dead letters; a secret key (
          <code>sk_…</code>) opens its store. You may add the other one later.
        </p>
        <TextField
          label="Key"
          type="password"
          name="key"
          value={key}
          onValue={setKey}
          fault={fault}
          hint="Printed by the start command; more are made with “tradewind keys create”."
          maxLength={200}
        />
        <fieldset>
          <legend>What you want to do</legend>
          <RoleChoice of="operate" chosen={role} choose={setRole} title="Operate" text="look and change" />
          <RoleChoice
            of="view"
            chosen={role}
            choose={setRole}
            title="View"
            text="look only; nothing can be changed by mistake"
          />
        </fieldset>
        <Button type="submit" tone="primary" disabled={busy}>
          {busy ? "Checking…" : adding ? "Add the key" : "Log in"}
        </Button>
        {adding && <Link to="/">Back to the console</Link>}
      </form>
    </main>
  );
}

type RoleChoiceProps = {
  of: Role;
  chosen: Role;
  choose: (role: Role) => void;
  title: string;
  text: string;
};

function RoleChoice({ of: role, chosen, choose, title, text }: RoleChoiceProps) {
  return (
    <label class="choice">
      <input type="radio" name="role" value={role} checked={chosen === role} onChange={() => choose(role)} />
      <span>
        {title} <span class="muted">– {text}</span>
      </span>
    </label>
  );
}
