/**
 * One of many: a singleton (the autoscaler) runs in the process whose session holds an advisory lock, on a connection of
 * its own. Who takes the lock raises the epoch, and stamps what it decides with it; where decisions are kept, one of a
 * lower epoch is refused (pool-targets.ts).
 *
 * Crash story
 *   the leader dies                  its session ends, and its lock with it; the next to ask leads, with a higher epoch.
 *   its connection breaks            the driver makes a new one without the lock: another backend answers, so the next
 *                                    {@link Leadership.epoch} knows, and asks for the lock again.
 *   it stops for a while and wakes   it may decide once more before it asks; its epoch is the lower one by then.
 */
import { connect } from "../platform/postgres/index.ts";

export type Leadership = {
  /** The epoch that this process leads in; null: another leads. @throws when Postgres does not answer. */
  epoch(): Promise<number | null>;
  /** Gives the lock back. */
  close(): Promise<void>;
};

export function openLeadership(options: { databaseUrl: string; name: string; holder: string }): Leadership {
  const { name, holder } = options;
  const sql = connect(options.databaseUrl, { max: 1, application: `leader ${name}`, holdsLocks: true });
  let held: { epoch: number; pid: number } | null = null;

  async function stillLeads({ epoch, pid }: { epoch: number; pid: number }): Promise<boolean> {
    const [row] = await sql<{ yes: boolean }[]>`
      SELECT pg_backend_pid() = ${pid}::int AND epoch = ${epoch}::bigint AS yes FROM bus.leader WHERE name = ${name}`;
    return row?.yes === true;
  }

  return {
    async epoch() {
      if (held && (await stillLeads(held))) return held.epoch;
      held = null;
      const [row] = await sql<
        { epoch: number; pid: number }[]
      >`SELECT epoch, pid FROM bus.lead(${name}, ${holder})`;
      held = row ?? null;
      return held?.epoch ?? null;
    },
    async close() {
      await sql.end({ timeout: 1 });
    },
  };
}
