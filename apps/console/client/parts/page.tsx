/** The head of a view. Its heading gets the focus when one comes here, so that a screen reader tells where one is. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Link } from "./link.tsx";

type PageProps = {
  title: string;
  /** The list that this is an entry of. */
  up?: { to: string; title: string };
  beside?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
};

/** Whether one has seen a view (or the log-in) since the page was loaded. */
export const arrival = { done: false };

export function Page({ title, up, beside, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Tradewind`;
  }, [title]);
  useEffect(() => {
    // Not on the page that one opened: there the Tab key begins at the skip link.
    if (arrival.done) heading.current?.focus({ preventScroll: true });
    arrival.done = true;
  }, []);
  return (
    <>
      <div class="page-head">
        {up && (
          <nav class="crumbs" aria-label="Up">
            <Link to={up.to}>← {up.title}</Link>
          </nav>
        )}
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {beside}
        {actions && <div class="actions">{actions}</div>}
      </div>
      {children}
    </>
  );
}
