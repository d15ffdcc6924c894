/** A request as a command that a person can run. */
import type { Plan } from "./plan.ts";

const MAX_SHOWN = 2_000;

export function curlOf({ method, target, headers, body }: Plan, origin: string): string {
  const words = ["curl", "-i", "--path-as-is", "-X", method, quoted(origin + target)];
  for (const [name, value] of Object.entries(headers)) words.push("-H", quoted(`${name}: ${value}`));
  if (body === null) return words.join(" ");
  const bytes = Buffer.from(body);
  if (bytes.length > MAX_SHOWN)
    return `${words.join(" ")} --data-binary @- # ${bytes.length} bytes, see --first`;
  const shown = bytes.toString("base64");
  return `echo ${shown} | base64 -d | ${words.join(" ")} --data-binary @-`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
