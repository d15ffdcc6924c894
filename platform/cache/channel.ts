/** How processes tell one another sooner than the log would. What it loses, everybody reads in the log. */
export type Told = {
  /** Of the changes, so that who reads them in the log later knows them. */
  readonly ids: readonly number[];
  readonly tags: readonly string[];
  /** The shared layer has new versions of these tags. */
  readonly applied: boolean;
};

export type InvalidationChannel = {
  /** Never throws. */
  publish(told: Told): void;
  /** Returns the way to stop it. */
  subscribe(heard: (told: Told) => void): () => void;
};

export const noChannel: InvalidationChannel = { publish: () => {}, subscribe: () => () => {} };
