/** What can be said about an edited payload before the API is asked: is it JSON, are its fields known and there. */
import type { Schema } from "../../state/wire.ts";

export function payloadFaults(text: string, schema: Schema | null): { payload: unknown; faults: string[] } {
  let payload: unknown;
  try {
    payload = JSON.parse(text);
  } catch (error) {
    return { payload: undefined, faults: [`This is no JSON: ${(error as Error).message}`] };
  }
  if (typeof payload !== "object" || payload === null || Array.isArray(payload))
    return { payload, faults: ["A payload is an object: { … }."] };
  return { payload, faults: schema?.properties ? faultsOf(payload as Record<string, unknown>, schema) : [] };
}

function faultsOf(payload: Record<string, unknown>, { properties = {}, required = [] }: Schema): string[] {
  const missing = required.filter(name => !(name in payload)).map(name => `${name} is missing`);
  const unknown = Object.keys(payload)
    .filter(name => !(name in properties))
    .map(name => `${name} is no field of this kind`);
  const wrong = Object.entries(properties)
    .filter(([name, { type }]) => name in payload && type !== undefined && !fits(payload[name], type))
    .map(
      ([name, { type }]) => `${name} must be ${type === "integer" ? "a whole number" : `of type ${type}`}`,
    );
  return [...missing, ...unknown, ...wrong];
}

function fits(value: unknown, type: string): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "array") return Array.isArray(value);
  if (type === "null") return value === null;
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  return typeof value === type;
}
