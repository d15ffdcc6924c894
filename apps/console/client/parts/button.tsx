/** A button; `busy` while what it started is under way, so that nobody starts it twice. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Icon, type IconName } from "./icon.tsx";

type Tone = "primary" | "danger" | "danger-full" | "quiet";

type ButtonProps = {
  onPress?: () => unknown;
  tone?: Tone | undefined;
  small?: boolean;
  icon?: IconName;
  /** Of a button that shows its icon only. */
  label?: string;
  title?: string;
  disabled?: boolean;
  type?: "button" | "submit";
  describedBy?: string;
  children?: ComponentChildren;
};

export function Button({
  onPress,
  tone,
  small,
  icon,
  label,
  title,
  disabled,
  type = "button",
  describedBy,
  children,
}: ButtonProps) {
  const [busy, setBusy] = useState(false);
  const press = async () => {
    const result = onPress?.();
    if (!(result instanceof Promise)) return;
    setBusy(true);
    await result.finally(() => setBusy(false));
  };
  return (
    <button
      type={type}
      class="button"
      data-tone={tone}
      data-size={small ? "small" : undefined}
      data-icon={label && !children ? "only" : undefined}
      aria-label={label}
      aria-busy={busy || undefined}
      aria-describedby={describedBy}
      title={title ?? label}
      disabled={disabled || busy}
      onClick={() => void press()}
    >
      {icon && <Icon name={busy ? "spin" : icon} size={small ? 14 : 16} />}
      {children}
    </button>
  );
}
