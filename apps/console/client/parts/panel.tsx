import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

type PanelProps = {
  title?: string;
  note?: ComponentChildren;
  actions?: ComponentChildren;
  padded?: boolean;
  children: ComponentChildren;
};

/** A part of a view with a name; `padded` for anything but tables and lists. */
export function Panel({ title, note, actions, padded, children }: PanelProps) {
  const id = useId();
  return (
    <section class="panel" aria-labelledby={title ? id : undefined}>
      {title && (
        <div class="panel-head">
          <h2 id={id}>{title}</h2>
          {note && <span class="muted small">{note}</span>}
          {actions && <div class="actions">{actions}</div>}
        </div>
      )}
      {padded ? <div class="panel-body">{children}</div> : children}
    </section>
  );
}

/** Names and values. */
export function Facts({ of }: { of: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>
            {value === null || value === undefined || value === "" ? <span class="muted">–</span> : value}
          </dd>
        </>
      ))}
    </dl>
  );
}
