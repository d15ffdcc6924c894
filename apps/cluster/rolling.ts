/**
 * A rolling restart of this host: one process after the other is replaced without a gap (crew.ts), pools first, because
 * old workers put jobs of newer versions back, then the keeper, then the API nodes. It stops at the first that can't be
 * replaced: what is replaced stays, what is not goes on as before.
 *
 * An accepted request is not lost: a node leaves when its successor listens, and finishes what it took (apps/api/main.ts).
 * A job is not repeated: a worker that leaves finishes what runs and gives back what it has not started.
 */
import type { Log } from "../../platform/log.ts";
import { type Crew, NotReplaced, type Rolled, type RollPatience } from "./crew.ts";

export const restartable = ["api", "keeper", "pools"] as const;
export type Restartable = (typeof restartable)[number];

export type Rolling = {
  /** False while one goes on. */
  readonly isIdle: boolean;
  /** Tells of each process. @throws NotReplaced */
  restart(what: readonly Restartable[], told: (rolled: Rolled) => void): Promise<void>;
};

const ORDER: readonly Restartable[] = ["pools", "keeper", "api"];

export function createRolling(options: {
  crews: Readonly<Record<Restartable, readonly Crew[]>>;
  patience: RollPatience;
  log: Log;
}): Rolling {
  let isIdle = true;
  async function restart(what: readonly Restartable[], told: (rolled: Rolled) => void): Promise<void> {
    const crews = ORDER.filter(one => what.includes(one)).flatMap(one => options.crews[one]);
    for (const crew of crews) {
      for (const unit of crew.running()) {
        const rolled = await crew.roll(unit, options.patience);
        if (!rolled) continue;
        options.log.info(rolled, "replaced");
        told(rolled);
      }
    }
  }
  return {
    get isIdle() {
      return isIdle;
    },
    async restart(what, told) {
      if (!isIdle) throw new NotReplaced("another restart goes on");
      isIdle = false;
      await restart(what, told).finally(() => {
        isIdle = true;
      });
    },
  };
}
