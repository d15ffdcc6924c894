import { run } from "./run.ts";

/** What a command line printed, and its exit code. */
export type Line = { code: number; out: string; err: string };

export type LineOptions = { env?: Record<string, string> | undefined; tty?: boolean | undefined };

/** Runs one command line in this process; a plain string is split at blanks. */
export async function runLine(
  line: string | string[],
  { env = {}, tty = false }: LineOptions = {},
): Promise<Line> {
  const argv = Array.isArray(line) ? line : line.split(" ");
  const result = { out: "", err: "" };
  const io = {
    out: (text: string) => {
      result.out += text;
    },
    err: (text: string) => {
      result.err += text;
    },
    interactive: tty,
    screen: tty,
    columns: 100,
  };
  return { code: await run(argv, env, io), ...result };
}
