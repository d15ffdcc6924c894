/**
 * Standard output of the supervisor: log lines as JSON, or readable on a terminal, and plain text for people. What is
 * not JSON (a stack trace of a process that fell) passes through as it is.
 */
import { prettyFactory } from "pino-pretty";

export type Printer = {
  /** Whole lines, each with its line break. */
  lines(text: string): void;
  /** For people, outside the log. */
  say(text: string): void;
};

export function createPrinter(format: "auto" | "json" | "pretty"): Printer {
  const pretty = format === "pretty" || (format === "auto" && process.stdout.isTTY === true);
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  if (!pretty) return { lines: text => void process.stdout.write(text), say };
  const readable = prettyFactory({
    colorize: process.stdout.isTTY === true,
    translateTime: "SYS:HH:MM:ss.l",
    ignore: "pid,hostname,process,channel",
    messageFormat: (log, key) => `${log.process}: ${log[key]}`,
  });
  const one = (line: string) => (line.startsWith("{") ? (readable(line) ?? "") : `${line}\n`);
  const lines = (text: string) => {
    const all = text.split("\n");
    if (all.at(-1) === "") all.pop();
    process.stdout.write(all.map(one).join(""));
  };
  return { lines, say };
}
