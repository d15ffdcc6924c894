/**
 * Passwords by argon2id, a few at a time. Bun hashes in threads of its own, so the event loop stays free; but each hash
 * takes a core for some 40 ms and 19 MiB, and without a bound a burst of log-ins would starve everything else on the
 * machine. `concurrency` run, `queue` wait, the next one is told to come back.
 */
import { hashingBusy } from "./errors.ts";

/** OWASP's least parameters for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. */
const cost = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const;

/** Of a random text that nobody kept, at the same cost: what passwords for unknown mails are checked against. */
export const DECOY =
  "$argon2id$v=19$m=19456,t=2,p=1$vI3S7r9N9wjWnKW7u/k9BzYxvDuoBmu4wQ01JdzKJwM$RCFZ/ospDZvQyU5tF6FUI4b4pNAvTatb/sN61G5kflY";

/** For the Retry-After of a full queue; a guess is good enough. */
const HASH_MS = 50;

export type Passwords = {
  /** @throws Problem 503 `busy` with Retry-After when too many wait already. */
  hash(password: string): Promise<string>;
  /** With `null` for the hash of nobody: takes as long, and is false. @throws Problem 503 as `hash`. */
  verify(password: string, hash: string | null): Promise<boolean>;
  readonly load: { readonly running: number; readonly waiting: number };
};

export function createPasswords(limits: { concurrency: number; queue: number }): Passwords {
  const waiting: (() => void)[] = [];
  let running = 0;

  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= limits.concurrency) {
      if (waiting.length >= limits.queue) {
        throw hashingBusy(Math.ceil((limits.queue * HASH_MS) / limits.concurrency / 1_000));
      }
      await new Promise<void>(resume => waiting.push(resume));
    } else running++;
    try {
      return await work();
    } finally {
      // The place is handed on, not freed, so that no newcomer slips in before who waits.
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };

  return {
    hash: password => inTurn(() => Bun.password.hash(password, cost)),
    verify: (password, hash) =>
      inTurn(async () => (await Bun.password.verify(password, hash ?? DECOY)) && hash !== null),
    get load() {
      return { running, waiting: waiting.length };
    },
  };
}
