/** Keys for people who are here all day. They rest while one writes, and while a dialog is open. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Dialog } from "./parts/dialog.tsx";
import { go } from "./state/router.ts";
import type { Session } from "./state/session.ts";
import { nextTheme } from "./state/theme.ts";
import { menuOf } from "./views/index.ts";

const SECOND_KEY_MS = 1_200;

function isWriting(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return (
    /^(INPUT|TEXTAREA|SELECT)$/.test(element?.tagName ?? "") ||
    document.querySelector("dialog[open]") !== null
  );
}

export function Shortcuts({ session }: { session: Session }) {
  const [help, setHelp] = useState(false);
  const gAt = useRef(0);
  const menu = [...menuOf("ops", session), ...menuOf("store", session)];
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.metaKey || event.ctrlKey || event.altKey || isWriting(event.target)) return;
      const isSecond = Date.now() - gAt.current < SECOND_KEY_MS;
      gAt.current = event.key === "g" && !isSecond ? Date.now() : 0;
      if (isSecond) {
        const view = menu.find(one => one.menu!.key === event.key);
        if (view) go(view.path);
        return;
      }
      if (event.key === "?") setHelp(true);
      if (event.key === "t") nextTheme();
      if (event.key === "/") {
        const search = document.querySelector<HTMLInputElement>("main input[type=search]");
        if (search) event.preventDefault();
        search?.focus();
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  });
  if (!help) return null;
  return (
    <Dialog plain title="Keys" action="Close" onSubmit={async () => {}} onClose={() => setHelp(false)}>
      <dl class="facts">
        {menu.map(view => (
          <>
            <dt>
              <kbd>g</kbd> <kbd>{view.menu!.key}</kbd>
            </dt>
            <dd>{view.menu!.title}</dd>
          </>
        ))}
        <dt>
          <kbd>/</kbd>
        </dt>
        <dd>to the search of this page</dd>
        <dt>
          <kbd>t</kbd>
        </dt>
        <dd>light, dark, as the system</dd>
        <dt>
          <kbd>?</kbd>
        </dt>
        <dd>these keys</dd>
      </dl>
    </Dialog>
  );
}
