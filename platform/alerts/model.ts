export type Severity = "info" | "warning" | "critical";
export const severities: readonly Severity[] = ["info", "warning", "critical"];

export type AlertState = "pending" | "firing" | "resolved";
export const alertStates: readonly AlertState[] = ["pending", "firing", "resolved"];

/** Something that is true right now; it fires when it has been true for `forMs`. */
export type Finding = {
  rule: string;
  /** What it is about, such as a kind of job; empty for the whole. */
  subject: string;
  severity: Severity;
  /** One sentence with the numbers, for people. */
  summary: string;
  value: number;
  forMs: number;
};

export type Alert = {
  id: string;
  rule: string;
  subject: string;
  severity: Severity;
  state: AlertState;
  summary: string;
  value: number;
  /** When it was first seen. */
  since: Date;
  firedAt: Date | null;
  resolvedAt: Date | null;
};
