/**
 * Lines for a log, handed on some hundreds at a time: pino's destination measures all that it holds again with each piece that
 * it is given. Lines stay whole and in order. What is held when the process is killed is lost, a tenth of a second at most.
 */
const MAX_CHARACTERS = 32_768;
const MAX_WAIT_MS = 100;

export type LineBatch = {
  /** `line` ends with a line feed. */
  add(line: string): void;
  flush(): void;
};

export function createLineBatch(write: (lines: string) => void): LineBatch {
  let held = "";
  let timer: Timer | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (held === "") return;
    const lines = held;
    held = "";
    write(lines);
  };
  return {
    add(line) {
      held += line;
      if (held.length >= MAX_CHARACTERS) flush();
      else if (timer === undefined) {
        timer = setTimeout(flush, MAX_WAIT_MS);
        timer.unref();
      }
    },
    flush,
  };
}
