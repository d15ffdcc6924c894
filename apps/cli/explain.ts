/** A failure as people and programs are told it. */
import { ConfigError } from "../../platform/config.ts";
import { Problem } from "../../platform/errors.ts";
import { CliError, UsageError } from "./command.ts";

/** Exit code, code word and the one line. */
export function explain(error: unknown): [number, string, string] {
  if (error instanceof UsageError || error instanceof ConfigError)
    return [2, "usage", oneLine(error.message)];
  if (error instanceof CliError) return [1, error.code, oneLine(error.message)];
  if (error instanceof Problem) {
    const fields = error.more.errors?.map(({ path, message }) => `${path} ${message}`).join("; ");
    return [1, error.code, oneLine(`${error.detail}${fields ? ` ${fields}` : ""}`)];
  }
  return [1, "failed", oneLine((error as Error)?.message || String(error))];
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
