/**
 * How a process tells the one that started it that it works now: by making the file that it was given. A file works over
 * no connection, before any service does, and is there for a supervisor that asks late.
 */
import { writeFileSync } from "node:fs";
import type { Config } from "./config.ts";

export function tellReady({ readyFile }: Pick<Config, "readyFile">): void {
  if (readyFile) writeFileSync(readyFile, "", { mode: 0o600 });
}
