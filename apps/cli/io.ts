/** Where output goes. Results go to stdout; errors and progress to stderr, so that pipes see results only. */
export type Io = {
  out(text: string): void;
  err(text: string): void;
  /** stderr is a terminal: progress may be drawn. */
  readonly interactive: boolean;
  /** stdout is a terminal: a view may be drawn over the one before. */
  readonly screen: boolean;
  readonly columns: number;
};

export const processIo: Io = {
  out: text => void process.stdout.write(text),
  err: text => void process.stderr.write(text),
  interactive: process.stderr.isTTY === true,
  screen: process.stdout.isTTY === true,
  columns: process.stderr.columns ?? 80,
};
