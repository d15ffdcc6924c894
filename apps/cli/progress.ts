/** One line on a terminal that is drawn over and over; silent elsewhere. */
import type { Io } from "./io.ts";

const REDRAW_MS = 80;
const BAR = 24;

export type Progress = {
  /** `total` unknown: the bar runs to and fro. `atOnce`: drawn however little time has gone by. */
  update(done: number, total: number | undefined, note?: string, atOnce?: boolean): void;
  /** Clears the line. */
  end(): void;
};

export function createProgress({ io, json }: { io: Io; json: boolean }, label: string): Progress {
  if (!io.interactive || json) return { update: () => {}, end: () => {} };
  let drawnAt = 0;
  return {
    update(done, total, note = "", atOnce = false) {
      const now = performance.now();
      if (now - drawnAt < REDRAW_MS && done !== total && !atOnce) return;
      drawnAt = now;
      const line = `${label} ${bar(done, total, now)}${note && ` ${note}`}`;
      io.err(`\r\x1b[2K${line.slice(0, io.columns - 1)}`);
    },
    end: () => io.err("\r\x1b[2K"),
  };
}

export function bar(done: number, total: number | undefined, now = 0): string {
  if (total === undefined) {
    const at = Math.round(((Math.sin(now / 400) + 1) / 2) * (BAR - 3));
    return `[${" ".repeat(at)}===${" ".repeat(BAR - 3 - at)}]`;
  }
  const part = total === 0 ? 1 : Math.min(1, done / total);
  const full = Math.round(part * BAR);
  return `[${"=".repeat(full)}${" ".repeat(BAR - full)}] ${String(Math.floor(part * 100)).padStart(3)}%`;
}
