import postgres from "postgres";
import { noTracer, type Tracer } from "../tracing/index.ts";
import { traced } from "./traced.ts";

const INT8_OID = 20;

const types = {
  bigint: {
    to: INT8_OID,
    from: [INT8_OID],
    serialize: (value: number | bigint | string) => String(value),
    parse: (raw: string) => {
      const value = Number(raw);
      if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${raw} does not fit a number`);
      return value;
    },
  },
};

/**
 * Between two tries of one connection. The driver's own pause grows with the failures of all connections of the pool, to
 * twenty seconds within a second of an outage, and statements wait for it.
 */
const RECONNECT_SECONDS = 0.1;

export type Db = postgres.Sql<{ bigint: number }>;
export type Tx = postgres.TransactionSql<{ bigint: number }>;
/** What reads and single statements need: the pool or a transaction. */
export type Sql = Db | Tx;

export type ConnectOptions = {
  max?: number;
  application: string;
  /** Session locks live on these connections: they are not renewed now and then, as others are. */
  holdsLocks?: boolean;
  /** Told of every connection that is closed. They are not renewed either: each close tells of the server. */
  onClose?: () => void;
  /** The server ends statements that take longer. */
  statementMs?: number;
  /** Records statements as steps of the traces that they belong to. */
  tracer?: Tracer;
  /** Told of every statement that is sent; for tests that count them. */
  onStatement?: (text: string, parameters: readonly unknown[]) => void;
};

export function connect(url: string, options: ConnectOptions): Db {
  const { onStatement, onClose, tracer = noTracer, statementMs = 30_000 } = options;
  const sql = postgres(url, {
    max: options.max ?? 10,
    types,
    connect_timeout: 2,
    backoff: () => RECONNECT_SECONDS,
    ...(options.holdsLocks || onClose ? { max_lifetime: null } : { idle_timeout: 300 }),
    ...(onClose ? { onclose: onClose } : {}),
    onnotice: () => {},
    ...(onStatement
      ? { debug: (_connection: number, text: string, parameters: unknown[]) => onStatement(text, parameters) }
      : {}),
    connection: { application_name: options.application, statement_timeout: statementMs },
  }) as unknown as Db;
  return tracer.enabled ? traced(sql, tracer) : sql;
}
