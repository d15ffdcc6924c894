/**
 * Storage of files under keys that we generate, behind one interface ({@link Storage}): a folder, or a bucket of an
 * S3-compatible service.
 *
 * Always holds: a key shows a whole file or nothing; what was written under a key survives power loss; no key leads out
 * of the store, whatever its text; bytes that never got a key (uploads that were cut off, scratch of a killed process)
 * are removed by age. Files are immutable by convention: callers put the content's hash into the key, so writing one
 * twice, at once or after a crash, is harmless.
 */
import { join, resolve } from "node:path";
import { type Config, ConfigError, settings } from "../config.ts";
import { DiskStorage } from "./disk.ts";
import { type S3Options, S3Storage } from "./s3.ts";
import type { Storage } from "./storage.ts";

export { DiskStorage } from "./disk.ts";
export { InvalidKeyError } from "./key.ts";
export { type MoveReport, moveFiles } from "./move.ts";
export { type S3Options, S3Storage } from "./s3.ts";
export {
  type StagedFile,
  type Storage,
  StorageAway,
  StorageLimitError,
  type StoredEntry,
  type StoredFile,
} from "./storage.ts";

type Place = Pick<Config, "home"> & Partial<Pick<Config, "mediaDir">>;
type S3Place = Partial<Pick<Config, (typeof needed)[number] | "s3Region">>;

const needed = ["s3Endpoint", "s3Bucket", "s3AccessKeyId", "s3SecretAccessKey"] as const;

/** The store that the configuration names: the bucket when there is one, else the folder. Touches nothing yet. */
export function openStorage(config: Place & S3Place): Storage {
  const s3 = s3Options(config);
  return s3 ? new S3Storage(s3) : openDisk(config);
}

/** The folder, whether or not there is a bucket; what comes in is spooled there too. */
export function openDisk(config: Place): DiskStorage {
  return new DiskStorage(folderOf(config));
}

/**
 * The bucket; undefined when none is configured.
 * @throws ConfigError naming what is missing of a half-configured one.
 */
export function s3Options(config: Place & S3Place): S3Options | undefined {
  const missing = needed.filter(name => !config[name]);
  if (missing.length === needed.length) return undefined;
  if (missing.length > 0)
    throw new ConfigError(`${settings[missing[0]!].env} must be set with the other S3_*`);
  return {
    endpoint: config.s3Endpoint!,
    bucket: config.s3Bucket!,
    accessKeyId: config.s3AccessKeyId!,
    secretAccessKey: config.s3SecretAccessKey!,
    region: config.s3Region ?? settings.s3Region.fallback,
    spool: folderOf(config),
  };
}

function folderOf({ mediaDir, home }: Place): string {
  return resolve(mediaDir ?? join(home, "media"));
}
