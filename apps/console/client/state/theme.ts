/** Light, dark, or as the system has it; remembered in this browser. */
import { signal } from "./signal.ts";

export type Theme = "system" | "light" | "dark";
const KEY = "tradewind-theme";

function remembered(): Theme {
  try {
    const value = window.localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system";
  }
}

export const theme = signal<Theme>(remembered());

function apply(value: Theme): void {
  if (value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
}

apply(theme.get());

export function setTheme(value: Theme): void {
  theme.set(value);
  apply(value);
  try {
    if (value === "system") window.localStorage.removeItem(KEY);
    else window.localStorage.setItem(KEY, value);
  } catch {
    // A browser that keeps nothing still shows it.
  }
}

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
export const nextTheme = () => setTheme(NEXT[theme.get()]);
