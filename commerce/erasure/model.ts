/** Whom to forget: somebody with an account, or whoever used a mail address (guests, too). */
export type Person = { customerId: string } | { email: string };

export type Erasure = {
  id: string;
  status: "queued" | "running" | "done";
  /** An account was deleted. */
  account: boolean;
  /** How much was changed or deleted so far. */
  orders: number;
  carts: number;
  mails: number;
  /** Errors, stacks and notes of jobs. */
  texts: number;
  createdAt: Date;
  finishedAt: Date | null;
};

export const phases = ["orders", "carts", "mails", "texts"] as const;
export type Phase = (typeof phases)[number];
