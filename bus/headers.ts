/**
 * A message's headers by name. Where a message shows them as they came (chunk-reader.ts), the few that we know are looked for
 * in that text: an object of all, made header by header and letter by letter, was a fifth of what a no-op job costs. The others have
 * the client's object.
 */
import type { MsgHdrs } from "nats";

type Shown = { readonly headers?: MsgHdrs | undefined; readonly head?: string | undefined };

/** Gives a header's value by its exact name, the first when there are several; empty when there is none. */
export function headerReader(message: Shown): (name: string) => string {
  const { head } = message;
  if (head === undefined) return name => message.headers?.get(name) ?? "";
  return name => headerIn(head, name);
}

function headerIn(text: string, name: string): string {
  const at = text.indexOf(`\r\n${name}:`);
  if (at < 0) return "";
  const from = at + name.length + 3;
  const end = text.indexOf("\r\n", from);
  return text.slice(from, end < 0 ? undefined : end).trim();
}
