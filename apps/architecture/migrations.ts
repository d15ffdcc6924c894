/**
 * Migrations run while the version before serves: first what is added (expand), then the code that uses it, and what
 * nobody uses any more goes with a later version (contract). docs/operations.md tells the rules; these are those that a
 * text can be held against. A table, a function or an index that the same file makes is free.
 *
 * A comment line before a statement answers for it, where its author knows better:
 *   `-- contract: …`  what it takes away has not been used since the version or decision that is named here
 *   `-- small: …`     the table is so small, or so seldom used, that a lock or a pass over its rows does not matter
 */
import { withoutComments } from "../../platform/postgres/index.ts";
import type { Source } from "./sources.ts";

export type MigrationFault = { path: string; fault: string };

type Rule = { finds: RegExp; answeredBy: "contract" | "small" | null; fault: string };

const NAME = String.raw`(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?(?<name>[\w."]+)`;
const rule = (pattern: string, answeredBy: Rule["answeredBy"], fault: string): Rule => ({
  finds: new RegExp(pattern, "i"),
  answeredBy,
  fault,
});

const rules: readonly Rule[] = [
  rule(
    String.raw`^DROP\s+(?:TABLE|VIEW|MATERIALIZED\s+VIEW|FUNCTION|PROCEDURE|TYPE|SCHEMA|TRIGGER)\s+${NAME}`,
    "contract",
    "drops what the version before uses",
  ),
  rule(
    String.raw`^ALTER\s+\w+\s+${NAME}[\s\S]*?\bDROP\s+(?:COLUMN|DEFAULT)\b`,
    "contract",
    "drops what the version before uses",
  ),
  rule(
    String.raw`^ALTER\s+\w+\s+${NAME}[\s\S]*?\bRENAME\b`,
    "contract",
    "renames what the version before uses",
  ),
  rule(
    String.raw`^ALTER\s+TABLE\s+${NAME}[\s\S]*?\bALTER\s+(?:COLUMN\s+)?\w+\s+(?:SET\s+DATA\s+)?TYPE\b`,
    "contract",
    "changes the type of a column",
  ),
  rule(
    String.raw`^ALTER\s+TABLE\s+${NAME}[\s\S]*?\bSET\s+NOT\s+NULL`,
    "contract",
    "refuses what the version before may write",
  ),
  rule(
    String.raw`^ALTER\s+TABLE\s+${NAME}[\s\S]*?\bADD\s+(?:COLUMN\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(?!CONSTRAINT|CHECK|FOREIGN|PRIMARY|UNIQUE|EXCLUDE)\w+\s+(?=[^,]*\bNOT\s+NULL\b)(?![^,]*\b(?:DEFAULT|GENERATED)\b)`,
    null,
    "adds a column that the version before can't fill: give it a default",
  ),
  rule(
    String.raw`^ALTER\s+TABLE\s+${NAME}[\s\S]*?\bADD\s+(?:CONSTRAINT\s+\w+\s+)?(?:CHECK|FOREIGN\s+KEY)\b(?![\s\S]*\bNOT\s+VALID\b)`,
    "small",
    "looks at every row under a lock: add it NOT VALID, validate it in a later file",
  ),
  rule(
    String.raw`^ALTER\s+TABLE\s+${NAME}[\s\S]*?\bADD\s+(?:CONSTRAINT\s+\w+\s+)?(?:PRIMARY\s+KEY|UNIQUE|EXCLUDE)\b(?!\s+USING\s+INDEX)`,
    "small",
    "makes an index under a lock: make it CONCURRENTLY, then add the constraint USING INDEX",
  ),
  rule(
    String.raw`^CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?!CONCURRENTLY)[\s\S]*?\bON\s+${NAME}`,
    "small",
    "locks writers out while the index is made: CREATE INDEX CONCURRENTLY IF NOT EXISTS, in a file of its own",
  ),
  rule(
    String.raw`^(?:DROP|REINDEX)\s+INDEX\s+(?!CONCURRENTLY)${NAME}`,
    "small",
    "waits for all who use the table: DROP INDEX CONCURRENTLY IF EXISTS, in a file of its own",
  ),
  rule(
    String.raw`^(?:UPDATE|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?)\s+${NAME}`,
    "small",
    "holds all its rows until the file is done: let a job do it in portions",
  ),
  rule(String.raw`^LOCK\s+(?:TABLE\s+)?${NAME}`, "small", "locks a table"),
];

/** May be repeated after a crash, as the runner does with files that are in no transaction. */
const REPEATABLE =
  /^(?:CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+IF\s+NOT\s+EXISTS|DROP\s+INDEX\s+CONCURRENTLY\s+IF\s+EXISTS)\s/i;

export function migrationFaults({ path, text }: Source): MigrationFault[] {
  const statements = statementsWithNotes(text);
  const made = new Set(statements.flatMap(({ sql }) => madeBy(sql) ?? []));
  const isConcurrent = statements.some(({ sql }) => /\bINDEX\s+CONCURRENTLY\b/i.test(sql));
  const faults = statements.flatMap(({ sql, notes }) => {
    if (isConcurrent)
      return REPEATABLE.test(sql)
        ? []
        : [`stands beside an index that is made CONCURRENTLY, and could not be repeated: ${sql}`];
    return rules.flatMap(({ finds, answeredBy, fault }) => {
      const found = finds.exec(sql);
      if (!found || made.has(found.groups!.name!.toLowerCase())) return [];
      if (answeredBy && notes.has(answeredBy)) return [];
      return [`${fault}: ${sql}`];
    });
  });
  return faults.map(fault => ({ path, fault: fault.replaceAll(/\s+/g, " ").slice(0, 200) }));
}

function madeBy(sql: string): string | undefined {
  const made = new RegExp(String.raw`^CREATE\s+(?:OR\s+REPLACE\s+)?(?:UNLOGGED\s+)?\w+\s+${NAME}`, "i").exec(
    sql,
  );
  return made?.groups?.name?.toLowerCase();
}

/** Statements without comments and without the bodies of functions, each with the notes that stand before or in it. */
function statementsWithNotes(text: string): { sql: string; notes: Set<string> }[] {
  const bare = text
    .replaceAll(/\$(\w*)\$[\s\S]*?\$\1\$/g, "''")
    .replaceAll(/--.*$/gm, comment => comment.replaceAll(";", ","));
  return bare.split(";").flatMap(part => {
    const sql = withoutComments(part).trim();
    const notes = [...part.matchAll(/^\s*--\s*(contract|small):[^\S\n]*\S/gm)].map(match => match[1]!);
    return sql === "" ? [] : [{ sql, notes: new Set(notes) }];
  });
}
