/** What a word after `bun run bench` does. */
export type Call = {
  readonly args: readonly string[];
  readonly values: {
    readonly json: boolean;
    readonly quick: boolean;
    readonly seconds?: string | undefined;
    readonly results?: string | undefined;
    readonly "orders-per-minute"?: string | undefined;
    readonly rps?: string | undefined;
  };
  /** Progress for people, on standard error. */
  say(line: string): void;
};

export type Command = {
  readonly name: string;
  readonly usage: string;
  readonly about: string;
  /** Returns the exit code. */
  run(call: Call): Promise<number>;
};

/** Called in a way it doesn't know: exit code 2. */
export class Refused extends Error {
  override name = "Refused";
}

/** @throws Refused when the text is no number in the bounds. */
export function numberOf(text: string, name: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= min && value <= max))
    throw new Refused(`${name} takes a number from ${min} to ${max}`);
  return value;
}

export function noMore(args: readonly string[], most: number): void {
  if (args.length > most) throw new Refused(most === 1 ? "one scenario at a time" : `unknown: ${args[most]}`);
}
