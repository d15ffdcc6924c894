/** Endings as they may be written down: without what names a person. */
import { redact } from "../platform/redact.ts";
import type { Settled } from "./settle.ts";

export function redactedEnding(ending: Settled): Settled {
  switch (ending.type) {
    case "done":
      return ending;
    case "discard":
    case "cancelled":
      return { ...ending, reason: redact(ending.reason) };
    case "retry":
      return ending.error === undefined ? ending : { ...ending, error: redact(ending.error) };
    case "error":
      return { ...ending, error: redact(ending.error), stack: ending.stack && redact(ending.stack) };
    case "malformed":
      return { ...ending, error: redact(ending.error), raw: redactedBody(ending.raw) };
    default:
      return { ...ending, error: redact(ending.error) };
  }
}

/** A body that is no text is kept as it is: there is nothing to find in it. */
function redactedBody(raw: string): string {
  const bytes = Buffer.from(raw, "base64");
  const text = bytes.toString("utf8");
  return Buffer.from(text, "utf8").equals(bytes) ? Buffer.from(redact(text), "utf8").toString("base64") : raw;
}
