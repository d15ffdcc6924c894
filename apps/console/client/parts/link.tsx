import type { ComponentChildren } from "preact";
import { go, hrefOf } from "../state/router.ts";

type LinkProps = {
  /** A path of ours, without /console. */
  to: string;
  class?: string;
  current?: boolean;
  onGo?: () => void;
  children: ComponentChildren;
};

/** A link to a view. Opened in another tab it is an ordinary link. */
export function Link({ to, current, onGo, children, ...rest }: LinkProps) {
  const follow = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey)
      return;
    event.preventDefault();
    onGo?.();
    go(to);
  };
  return (
    <a href={hrefOf(to)} class={rest.class} aria-current={current ? "page" : undefined} onClick={follow}>
      {children}
    </a>
  );
}
