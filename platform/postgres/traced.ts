import { startChild, type Tracer } from "../tracing/index.ts";
import type { Db } from "./pool.ts";

/** What the driver's queries have; none of it is in its types. */
type Query = {
  handler: unknown;
  resolve(value: unknown): void;
  reject(error: unknown): void;
  strings: readonly string[];
};
type Handled = Query & { handler: (query: Query) => unknown };

const SPACE = /\s+/g;
const MAX_TEXT = 2_000;

/** The verb and the first name with a schema. */
function nameOf(text: string): string {
  const verb = /^\s*(?:WITH\b[\s\S]*?\)\s*)?(\w+)/.exec(text)?.[1]?.toUpperCase() ?? "SQL";
  const target = /\b[a-z_]+\.[a-z_]+\b/.exec(text)?.[0];
  return target ? `${verb} ${target}` : verb;
}

/** Statements hold placeholders, never values: those are sent apart. */
function textOf(query: Query): string {
  return query.strings.join("?").replaceAll(SPACE, " ").trim().slice(0, MAX_TEXT);
}

/** Records a query from the moment it is sent off (the wait for a connection included) to its answer. */
function watched(query: Handled, tracer: Tracer): Handled {
  const { handler, resolve, reject } = query;
  query.handler = sent => {
    const text = textOf(query);
    const span = startChild(tracer, {
      name: nameOf(text),
      kind: "client",
      attributes: { "db.system.name": "postgresql", "db.query.text": text },
    });
    if (span) {
      query.resolve = value => {
        span.ended();
        resolve(value);
      };
      query.reject = error => {
        span.ended((error as { code?: string }).code ?? "failed");
        reject(error);
      };
    }
    return handler(sent);
  };
  return query;
}

const isQuery = (value: unknown): value is Handled =>
  value instanceof Promise && typeof (value as Partial<Handled>).handler === "function";

/** The same handle; every statement that is sent within a step of a trace becomes a child of it. */
export function traced<T extends object>(sql: T, tracer: Tracer): T {
  return new Proxy(sql, {
    apply(target, self, args) {
      const made = Reflect.apply(target as never, self, args);
      return isQuery(made) ? watched(made, tracer) : made;
    },
    get(target, name) {
      const value = Reflect.get(target, name);
      if (name === "unsafe") {
        return (...args: unknown[]) => {
          const made = (value as (...args: unknown[]) => unknown)(...args);
          return isQuery(made) ? watched(made, tracer) : made;
        };
      }
      if (name === "begin" || name === "savepoint") {
        return (...args: unknown[]) => {
          const work = args.pop() as (tx: Db) => unknown;
          return (value as (...args: unknown[]) => unknown)(...args, (tx: Db) => work(traced(tx, tracer)));
        };
      }
      return value;
    },
  });
}
