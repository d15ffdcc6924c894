/** What job payloads may hold: ids and small facts. A queue, a ledger and dead letters are no place for personal data. */
import type { Contract } from "../../bus/index.ts";

const PERSONAL =
  /e-?mail|(first|last|full|user|nick|given|family)?name$|address|phone|street|postal|zip|birth|passw|token|secret|card|iban|ip$/i;

/** What a text of a payload must not be able to hold: a pattern that takes one of these takes a person's data. */
const PEOPLE = ["ada@example.org", "Ada Lovelace", "1 Quay, Bristol", "+44 20 7946 0958", "Adèle"];

type Schema = {
  type?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  allOf?: Schema[];
  additionalProperties?: unknown;
  maxLength?: number;
  maxItems?: number;
  const?: unknown;
  pattern?: string;
};

/** What is wrong with the payload schema of a contract, in words. */
export function contractFaults(contract: Contract): string[] {
  return faultsOf(contract.schema as Schema, contract.kind);
}

function faultsOf(schema: Schema, path: string): string[] {
  const faults: string[] = [];
  if (schema.type === "object" && schema.additionalProperties !== false)
    faults.push(`${path} takes unknown fields`);
  if (
    schema.type === "string" &&
    schema.maxLength === undefined &&
    schema.const === undefined &&
    !schema.pattern
  ) {
    faults.push(`${path} is a text of any length`);
  }
  if (schema.type === "string" && schema.const === undefined) {
    const pattern = new RegExp(schema.pattern ?? "", "u");
    const taken = PEOPLE.filter(
      text => pattern.test(text) && text.length <= (schema.maxLength ?? text.length),
    );
    if (taken.length > 0) faults.push(`${path} takes texts such as "${taken[0]}"`);
  }
  if (schema.type === "array" && schema.maxItems === undefined)
    faults.push(`${path} is a list of any length`);
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    if (PERSONAL.test(name)) faults.push(`${path}.${name} sounds like personal data or a secret`);
    faults.push(...faultsOf(inner, `${path}.${name}`));
  }
  const inner = [...(schema.items ? [schema.items] : []), ...(schema.anyOf ?? []), ...(schema.allOf ?? [])];
  return [...faults, ...inner.flatMap(one => faultsOf(one, path))];
}
