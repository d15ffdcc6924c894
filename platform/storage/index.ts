/**
 * Storage of files under keys that we generate, behind one interface ({@link Storage}): disk today, object stores later.
 *
 * Always holds: a key shows a whole file or nothing; what was written under a key survives power loss; no key leads out
 * of the store, whatever its text; bytes that never got a key (uploads that were cut off, scratch of a killed process)
 * are removed by age. Files are immutable by convention: callers put the content's hash into the key, so writing one
 * twice, at once or after a crash, is harmless.
 */
import { join, resolve } from "node:path";
import type { Config } from "../config.ts";
import { DiskStorage } from "./disk.ts";
import type { Storage } from "./storage.ts";

export { DiskStorage } from "./disk.ts";
export { InvalidKeyError } from "./key.ts";
export {
  type StagedFile,
  type Storage,
  StorageLimitError,
  type StoredEntry,
  type StoredFile,
} from "./storage.ts";

/** The store that the configuration names. Touches nothing yet. */
export function openStorage(config: Pick<Config, "mediaDir" | "home">): Storage {
  return new DiskStorage(resolve(config.mediaDir ?? join(config.home, "media")));
}
