/** Thrown by {@link Storage.stage} when the bytes are more than allowed; nothing of them is kept. */
export class StorageLimitError extends Error {
  override name = "StorageLimitError";
  constructor(readonly maxBytes: number) {
    super(`more than ${maxBytes} bytes`);
  }
}

/** Bytes that were received whole but have no key yet. End it with {@link keep} or {@link discard}. */
export type StagedFile = {
  readonly bytes: number;
  /** Lower-case hex, computed while the bytes came in. */
  readonly sha256: string;
  /** The bytes, for a look at them before they are kept. */
  readonly blob: Blob;
  /** Makes the bytes visible under `key`, durably and at once; replaces what is there. */
  keep(key: string): Promise<void>;
  /** Removes the bytes; nothing happens after {@link keep}. */
  discard(): Promise<void>;
};

export type StoredFile = {
  readonly bytes: number;
  readonly modifiedAt: Date;
  /**
   * Lazy: `slice` gives a range. A `Response` made from one on a disk is sent without passing through the program; made
   * from one in a bucket (`S3File`) it is a redirect to a signed URL: take its `stream()` to send the bytes instead.
   */
  readonly blob: Blob;
  /** A URL of the storage's own, good for so long; absent where there is none. */
  readonly signedUrl?: (seconds: number) => string;
};

export type StoredEntry = { readonly key: string; readonly bytes: number; readonly modifiedAt: Date };

/**
 * Keys are segments of `A–Z a–z 0–9 _ . -` joined by `/`, none beginning with a dot, at most 512 characters; any other
 * key throws InvalidKeyError, from every method.
 */
export type Storage = {
  /**
   * Takes a stream in, bounded in memory and size.
   * @throws StorageLimitError beyond `maxBytes`; whatever the stream throws. Nothing is left then.
   */
  stage(bytes: AsyncIterable<Uint8Array>, options: { maxBytes: number }): Promise<StagedFile>;
  /** Moves a local file under `key`, as durably as {@link StagedFile.keep}; the path is gone afterwards. */
  moveIn(path: string, key: string): Promise<void>;
  /** The file under `key`, or null. */
  open(key: string): Promise<StoredFile | null>;
  /** Lets `use` read the file as a local path, which is not to be written to; null when there is no such key. */
  withLocalFile<T>(key: string, use: (path: string) => Promise<T>): Promise<T | null>;
  /** Gives `use` an empty local folder, and removes it afterwards. */
  withScratch<T>(use: (dir: string) => Promise<T>): Promise<T>;
  /** Removes the file; false when there was none. */
  remove(key: string): Promise<boolean>;
  /** All files whose key begins with `prefix` (whole segments), in no particular order. */
  list(prefix?: string): AsyncIterable<StoredEntry>;
  /** @throws what is wrong when files can't be written and read now. */
  probe(): Promise<void>;
  /** Removes what never got a key and was last written before `olderThanMs`; returns how much was removed. */
  sweep(olderThanMs: number): Promise<number>;
};

/** The service does not answer; whether it took what was sent is not known. */
export class StorageAway extends Error {
  override name = "StorageAway";
  constructor(options?: ErrorOptions) {
    super("the storage does not answer", options);
  }
}
