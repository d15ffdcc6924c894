/**
 * Who may touch which table. Every module has a schema of its name; its tables are its own. Others may call the SQL
 * functions that its migrations publish: a schema-qualified name that is followed by `(` is a call.
 */
import { modules } from "../migrations.ts";
import type { Source } from "./sources.ts";

export type SqlViolation = { path: string; name: string; owner: string };

export const schemas: readonly string[] = [...modules.map(module => module.name), "platform"];

/** Text that may hold SQL: template literals and strings of TypeScript, whole .sql files; comments are left out. */
export function sqlOf({ path, text }: Source): string {
  if (path.endsWith(".sql")) return text.replaceAll(/--.*$/gm, "");
  const literals = text.match(/`(?:\\[\s\S]|\$\{[^}]*\}|[^`\\])*`/g) ?? [];
  return literals.filter(literal => SQL_WORD.test(literal)).join("\n");
}

/** A literal without one of these is no SQL: a kind of job (`orders.order`) in a log line, say. */
const SQL_WORD =
  /\b(?:SELECT|INSERT|UPDATE|DELETE|FROM|JOIN|INTO|TABLE|TRUNCATE|LOCK|COPY|CREATE|ALTER|EXISTS)\b/;

/** The schema that a file's module owns; null for files of no module. */
export function ownerOf(path: string): string | null {
  const [layer = "", second = ""] = path.split("/");
  const name = layer === "commerce" ? second : layer;
  return schemas.includes(name) ? name : null;
}

/** Schema-qualified tables (not functions) that a text names. */
export function tablesIn(sql: string): { schema: string; table: string }[] {
  const pattern = new RegExp(
    `(?<![\\w."'])"?(${schemas.join("|")})"?\\."?([a-z_][a-z0-9_]*)"?(?!\\s*\\(|[\\w."])`,
    "g",
  );
  // `INSERT INTO x.y (columns)` is a table although a bracket follows.
  const written = new RegExp(
    `\\b(?:INTO|TABLE|REFERENCES|ON|COPY)\\s+(?:IF\\s+(?:NOT\\s+)?EXISTS\\s+|ONLY\\s+)?"?(${schemas.join("|")})"?\\."?([a-z_][a-z0-9_]*)"?\\s*\\(`,
    "gi",
  );
  return [...sql.matchAll(pattern), ...sql.matchAll(written)].map(match => ({
    schema: match[1]!,
    table: match[2]!,
  }));
}

export function sqlViolations(sources: readonly Source[]): SqlViolation[] {
  return sources.flatMap(source => {
    const owner = ownerOf(source.path);
    const foreign = tablesIn(sqlOf(source)).filter(({ schema }) => schema !== owner);
    const names = new Set(foreign.map(({ schema, table }) => `${schema}.${table}`));
    return [...names].map(name => ({ path: source.path, name, owner: name.split(".")[0]! }));
  });
}
