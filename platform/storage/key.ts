/** A key that is not of the allowed form. Keys are ours, so this is a defect of the caller, not of a request. */
export class InvalidKeyError extends Error {
  override name = "InvalidKeyError";
}

const MAX_LENGTH = 512;
const segment = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;

/** The segments of a key. No segment is empty or begins with a dot, so no key can climb out or name what is hidden. */
export function segmentsOf(key: string): string[] {
  const segments = key.split("/");
  if (key.length > MAX_LENGTH || !segments.every(part => segment.test(part))) {
    throw new InvalidKeyError(`not a storage key: ${JSON.stringify(key.slice(0, 80))}`);
  }
  return segments;
}
