/** Numbers, times, sizes and money for people. */
const language = navigator.language;

const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const one = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const dateTime = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });

export const count = (n: number) => whole.format(n);
export const rate = (n: number) => (n > 0 && n < 10 ? one.format(n) : whole.format(n));

export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1_000) return `${ms < 10 ? one.format(ms) : Math.round(ms)} ms`;
  if (ms < 60_000) return `${one.format(ms / 1_000)} s`;
  if (ms < 3_600_000) return `${one.format(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${one.format(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`;
}

export function bytes(n: number): string {
  if (n < 1_000) return `${n} B`;
  if (n < 1_000_000) return `${one.format(n / 1_000)} kB`;
  return n < 1_000_000_000 ? `${one.format(n / 1_000_000)} MB` : `${one.format(n / 1_000_000_000)} GB`;
}

export const absolute = (iso: string) => dateTime.format(new Date(iso));

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
];

export function ago(iso: string, nowMs = Date.now()): string {
  const ms = new Date(iso).getTime() - nowMs;
  for (const [unit, size] of UNITS) {
    if (Math.abs(ms) >= size) return relative.format(Math.round(ms / size), unit);
  }
  return "now";
}

export function money(minor: number, currency: string): string {
  const format = new Intl.NumberFormat(language, { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(minor / 10 ** digits);
}

/** `no_route_to` → `no route to`. */
export const words = (code: string) => code.replaceAll(/[_.]/g, " ");
