/** A state as a word with a sign and a colour; the word alone says it all. */
import { words } from "../state/format.ts";
import { Icon, type IconName } from "./icon.tsx";

export type Tone = "ok" | "warn" | "bad" | "info" | "plain";

const looks: Record<Tone, IconName> = { ok: "check", warn: "dead", bad: "cross", info: "spin", plain: "dot" };

export function Badge({ tone, icon, children }: { tone: Tone; icon?: IconName; children: string }) {
  return (
    <span class="badge" data-tone={tone}>
      <Icon name={icon ?? looks[tone]} size={12} />
      {children}
    </span>
  );
}

const tones: Record<string, Tone> = {
  done: "ok",
  ready: "ok",
  placed: "ok",
  completed: "ok",
  captured: "ok",
  fulfilled: "ok",
  active: "ok",
  replayed: "ok",
  passed: "ok",
  resolved: "ok",
  running: "info",
  processing: "info",
  queued: "info",
  requested: "info",
  authorized: "info",
  partially_fulfilled: "info",
  partially_refunded: "warn",
  pending: "warn",
  delayed: "plain",
  scheduled: "plain",
  draft: "plain",
  unfulfilled: "plain",
  retry: "warn",
  retrying: "warn",
  stopped: "warn",
  dropped: "plain",
  waiting: "info",
  watching: "info",
  archived: "plain",
  discarded: "plain",
  cancelled: "plain",
  voided: "plain",
  dead: "bad",
  failed: "bad",
  fail: "bad",
  killed: "bad",
  open: "bad",
  firing: "bad",
  declined: "bad",
  refused: "bad",
};

/** The badge of a status word of the API. */
export function Status({ of }: { of: string }) {
  return <Badge tone={tones[of] ?? "plain"}>{words(of)}</Badge>;
}
