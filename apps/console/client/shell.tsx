/** What stands around every view: the menu, who is here, messages, shortcuts. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Button } from "./parts/button.tsx";
import { Confirmation } from "./parts/dialog.tsx";
import { Icon } from "./parts/icon.tsx";
import { Link } from "./parts/link.tsx";
import { attempt, Toasts } from "./parts/toast.tsx";
import { Shortcuts } from "./shortcuts.tsx";
import { away, connection, snapshot } from "./state/live.ts";
import { go } from "./state/router.ts";
import { leave, type Session } from "./state/session.ts";
import { useSignal } from "./state/signal.ts";
import { nextTheme, theme } from "./state/theme.ts";
import type { Snapshot } from "./state/wire.ts";
import { menuOf, type View } from "./views/index.ts";

type ShellProps = { path: string; session: Session; children: ComponentChildren };

export function Shell({ path, session, children }: ShellProps) {
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => event.key === "Escape" && setOpen(false);
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <div class="shell">
        <header class="topbar">
          <Button
            icon="menu"
            tone="quiet"
            label={open ? "Close the menu" : "Open the menu"}
            onPress={() => setOpen(!open)}
          />
          <Brand />
          {session.ops && <LiveState />}
        </header>
        {open && (
          <button type="button" class="veil" aria-label="Close the menu" tabIndex={-1} onClick={close} />
        )}
        <nav class="side" data-open={open} aria-label="Console">
          <Brand />
          <div>
            <Menu title="Operations" views={menuOf("ops", session)} path={path} onGo={close} />
            <Menu
              title={session.store?.storeName ?? "Store"}
              views={menuOf("store", session)}
              path={path}
              onGo={close}
            />
          </div>
          <Foot session={session} />
        </nav>
        <main class="main" id="main" tabIndex={-1}>
          <AwayNotice />
          {children}
        </main>
      </div>
      <Toasts />
      <Confirmation />
      <Shortcuts session={session} />
    </>
  );
}

function Brand() {
  return (
    <Link to="/" class="brand">
      <Icon name="sail" size={20} />
      Tradewind
    </Link>
  );
}

type MenuProps = { title: string; views: readonly View[]; path: string; onGo: () => void };

function Menu({ title, views, path, onGo }: MenuProps) {
  const live = useSignal(snapshot);
  if (views.length === 0) return null;
  return (
    <>
      <p class="nav-title" id={`menu-${views[0]!.area}`}>
        {title}
      </p>
      <ul aria-labelledby={`menu-${views[0]!.area}`}>
        {views.map(({ path: to, menu }) => (
          <li key={to}>
            <Link to={to} class="nav-link" current={path === to || path.startsWith(`${to}/`)} onGo={onGo}>
              <Icon name={menu!.icon} />
              {menu!.title}
              <Count n={countOf(to, live)} />
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}

function countOf(path: string, live: Snapshot | null): number {
  if (path === "/dead") return live?.status.dead ?? 0;
  return path === "/alerts" ? (live?.status.alerts ?? 0) : 0;
}

/** How many want to be looked at. */
function Count({ n }: { n: number }) {
  if (n === 0) return null;
  return (
    <span class="nav-count">
      {n}
      <span class="hidden-text"> open</span>
    </span>
  );
}

const states = { off: "", connecting: "Connecting…", live: "Live", away: "Degraded" } as const;

function LiveState() {
  const state = useSignal(connection);
  return (
    <span class="live" data-state={state} role="status">
      <span class="live-dot" aria-hidden="true" />
      {states[state]}
    </span>
  );
}

/** Stands over every operator's view while a part of the cluster does not answer. */
function AwayNotice() {
  const detail = useSignal(away);
  return (
    <div role="alert" class="away">
      {detail && (
        <div class="notice" data-tone="bad">
          <Icon name="dead" />
          <span>{detail} What is shown here is from before; it goes on by itself.</span>
        </div>
      )}
    </div>
  );
}

const themes = {
  system: ["auto", "Colours: system"],
  light: ["sun", "Colours: light"],
  dark: ["moon", "Colours: dark"],
} as const;

function Foot({ session }: { session: Session }) {
  const current = useSignal(theme);
  const [icon, label] = themes[current];
  const out = () => attempt(leave, "You have left the console.");
  return (
    <div class="side-foot">
      {session.ops && <LiveState />}
      <Button tone="quiet" icon={icon} onPress={nextTheme}>
        {label}
      </Button>
      <Button tone="quiet" icon="key" onPress={() => go("/enter")}>
        {session.ops && session.store ? "Change a key" : "Add a key"}
      </Button>
      <div class="who stack">
        <ul class="stack">
          {session.ops && <Key kind="Ops key" name={session.ops.name} role={session.ops.role} />}
          {session.store && <Key kind="Store key" name={session.store.name} role={session.store.role} />}
        </ul>
        <Button icon="out" onPress={out}>
          Log out
        </Button>
      </div>
    </div>
  );
}

function Key({ kind, name, role }: { kind: string; name: string; role: string }) {
  return (
    <li>
      <span class="muted">{kind}</span> {name}
      {role === "view" && <span class="muted"> · looks only</span>}
    </li>
  );
}
