/** The door to the bus for processes that cause jobs and look after them. */
export type Bus = {
  /** Tells the keepers that outbox rows were committed; without it they notice within 100 ms. Never throws. */
  poke(): void;
};
