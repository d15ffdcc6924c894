/** What the API sends, as far as the console reads it (`/openapi.json` has the whole). */
export type Priority = "high" | "normal" | "low";

export type KindState = {
  kind: string;
  waiting: number;
  running: number;
  delayed: number;
  cap: number;
  /** What is enforced of `cap`: less during a sale. */
  capNow?: number;
  rate?: { limit: number; per: string; burst: number } | null;
  paused: boolean;
  pauses?: { by: string; reason: string; since: string | null }[];
  perSecond: number;
  p95Ms: number | null;
  oldestMs: number | null;
};

export type WorkerProcess = {
  worker: string;
  pid: number;
  host: string;
  busy: number;
  rssMb: number;
  since: string;
  draining: boolean;
};

export type PoolState = {
  priority: Priority;
  target: number | null;
  mode?: "auto" | "manual";
  floor?: number | null;
  ceiling?: number | null;
  targetAgeMs?: number | null;
  /** Why the target is what it is. */
  reason?: string | null;
  paused?: boolean;
  processes: WorkerProcess[];
  kinds: KindState[];
};

export type Autoscaler = {
  leader: string;
  at: string;
  decisions: { at: string; priority: string; from: number; to: number; reason: string }[];
};

export type Snapshot = {
  at: number;
  pools: PoolState[];
  autoscaler?: Autoscaler | null;
  status: { outbox: { due: number; delayed: number; oldestMs: number | null }; dead: number; alerts: number };
};

export type PoolPoint = {
  waiting: number;
  running: number;
  perSecond: number;
  p95Ms: number | null;
  oldestMs: number | null;
  processes: number;
};

export type Point = { at: number; pools: Record<string, PoolPoint> };

export type Try = {
  attempt: number;
  startedAt: string | null;
  endedAt: string | null;
  outcome: string | null;
  error: string | null;
  worker: string | null;
  traceparent?: string;
};

export type Job = {
  id: string;
  kind: string;
  version: number;
  priority: string;
  storeId: string;
  key: string;
  status: string;
  attempt: number;
  payload: unknown;
  traceparent: string;
  queuedAt: string;
  /** When a delayed job or a retry is due. */
  runAt?: string | null;
  cancelRequestedAt?: string | null;
  startedAt: string | null;
  finishedAt: string | null;
  worker: string | null;
  error: string | null;
  progress?: {
    fraction?: number | null;
    done?: number | null;
    total?: number | null;
    note?: string | null;
  } | null;
  tries: Try[];
};

export type Letter = {
  id: string;
  jobId: string | null;
  kind: string;
  version: number;
  storeId: string;
  key: string;
  payload: unknown;
  reason: string;
  error: string;
  fingerprint: string;
  attempts: number;
  traceparent: string;
  diedAt: string;
  status: "open" | "replayed" | "discarded";
  settledAt: string | null;
  settledNote: string | null;
  replayedAs: string | null;
  stack?: string | null;
  raw?: string | null;
  tries?: Try[];
  /** JSON Schema of the kind's payload; null for a kind that is gone. */
  schema?: Schema | null;
};

export type Schema = {
  type?: string;
  properties?: Record<string, { type?: string; description?: string; pattern?: string; anyOf?: unknown[] }>;
  required?: string[];
};

export type Canary = {
  id: string;
  kind: string | null;
  fingerprint: string | null;
  status: string;
  carryOn: boolean;
  portion: number;
  portionSize: number;
  replayed: number;
  succeeded: number;
  failed: number;
  stoppedBy: string | null;
  stoppedAt: { deadId: string | null; jobId: string | null; error: string } | null;
  createdAt: string;
  endedAt: string | null;
};

export type TimelineEntry = {
  at: string;
  type: string;
  traceId: string | null;
  jobId?: string | null;
  kind?: string | null;
  key?: string | null;
  attempt?: number;
  status?: string | null;
  endedAt?: string | null;
  outcome?: string | null;
  error?: string | null;
  worker?: string | null;
  deadId?: string | null;
  reason?: string | null;
  replayedAs?: string | null;
  note?: string | null;
  method?: string | null;
  route?: string | null;
  httpStatus?: number;
  tookMs?: number;
  node?: string | null;
  actor?: string | null;
};

export type Tick = {
  tick: string;
  byHand: boolean;
  jobId: string;
  outcome: string;
  firedAt: string;
  status: string | null;
};

export type Schedule = {
  name: string;
  about: string;
  cron: string;
  timeZone: string;
  kind: string;
  overlap: string;
  paused: boolean;
  note: string | null;
  nextTick: string | null;
  last: Tick | null;
};

export type Alert = {
  id: string;
  rule: string;
  subject: string;
  severity: string;
  state: "pending" | "firing" | "resolved";
  summary: string;
  value: number;
  since: string;
  firedAt: string | null;
  resolvedAt: string | null;
};

export type LetterGroup = {
  fingerprint: string;
  kind: string;
  count: number;
  error: string;
  firstDiedAt: string;
  lastDiedAt: string;
};

export type MailSummary = {
  id: string;
  from: string;
  to: string[];
  subject: string;
  messageId: string;
  receivedAt: string;
};
export type Mail = MailSummary & { text: string; html: string; headers: { name: string; value: string }[] };

export type Variant = {
  name: string;
  format: string;
  width: number;
  height: number;
  bytes: number;
  animated: boolean;
  url: string;
};

export type MediaUsage = { assets: number; bytes: number; maxBytes: number; isOwn: boolean };

export type StoreWithUsage = {
  id: string;
  name: string;
  currency: string;
  createdAt: string;
  media: MediaUsage;
};

export type Preset = { name: string; width: number; height: number; crop: boolean };

export type Presets = {
  items: Preset[];
  backfill: {
    status: "queued" | "running" | "done";
    done: number;
    total: number;
    converting: number;
    requestedAt: string;
  } | null;
};

export type Asset = {
  id: string;
  status: "processing" | "ready" | "failed";
  complete: boolean;
  sha256: string;
  format: string;
  bytes: number;
  width: number | null;
  height: number | null;
  animated: boolean;
  filename: string | null;
  alt: string | null;
  productId: string | null;
  placeholder: string | null;
  colour: string | null;
  variants: Variant[];
  progress: { done: number; total: number };
  error?: { code: string; message: string };
  createdAt: string;
};

export type Product = {
  id: string;
  handle: string;
  title: string;
  vendor: string;
  status: "draft" | "active" | "archived";
  tags: string[];
  images: { assetId: string | null; alt: string; placeholder: string | null; variants: Variant[] }[];
  variants: {
    id: string;
    sku: string | null;
    title: string;
    barcode: string | null;
    price: { amountMinor: number; currency: string; compareAtMinor: number | null } | null;
    available: number;
  }[];
  updatedAt: string;
};

export type Import = {
  id: string;
  status: "queued" | "running" | "done" | "failed";
  fileName: string;
  inventory: "new" | "set";
  rows: number;
  products: number;
  variants: number;
  created: number;
  updated: number;
  unchanged: number;
  errorCount: number;
  errors: { row: number; column: string; message: string }[];
  reason: string | null;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
};

export type OrderLine = {
  variantId: string;
  productId: string;
  sku: string | null;
  title: string;
  quantity: number;
  unitMinor: number;
  discountMinor: number;
  totalMinor: number;
  taxMinor: number;
  fulfilledQuantity: number;
  refundedQuantity: number;
};

export type Order = {
  id: string;
  number: string;
  status: string;
  paymentStatus: string;
  fulfilmentStatus: string;
  email: string | null;
  shippingAddress: Record<string, string> | null;
  shippingMethod: { id: string; name: string } | null;
  note: string | null;
  currency: string;
  lines: OrderLine[];
  subtotalMinor: number;
  discountMinor: number;
  shippingMinor: number;
  taxIncluded: boolean;
  taxMinor: number;
  totalMinor: number;
  refundedMinor: number;
  fulfilments: {
    id: string;
    status: string;
    carrier: string | null;
    trackingNumber: string | null;
    createdAt: string;
  }[];
  refunds: { id: string; status: string; amountMinor: number; createdAt: string }[];
  createdAt: string;
  placedAt: string | null;
  cancelledAt: string | null;
};

export type Figures = {
  from: string;
  to: string;
  asOf: string;
  sales: {
    currency: string;
    orders: number;
    revenueMinor: number;
    days: { day: string; orders: number; revenueMinor: number }[];
  }[];
  bestSellers: { productId: string; title: string; units: number }[];
  lowStock: {
    variantId: string;
    productId: string;
    sku: string | null;
    title: string | null;
    locationId: string;
    available: number;
    lowThreshold: number | null;
  }[];
  searches: { searches: number; withoutResult: number; popular: { query: string; searches: number }[] };
};

export type OrderEvent = {
  id: string;
  type: string;
  data: Record<string, unknown>;
  author: string | null;
  at: string;
};

export type Reindex = {
  storeId: string;
  id: string;
  status: "queued" | "building" | "done" | "failed";
  done: number;
  total: number;
  error: string | null;
  requestedAt: string;
  finishedAt: string | null;
};

export type SearchSettings = { synonyms: string[][]; stopWords: string[]; languages: string[] };

export type SearchReport = {
  from: string;
  to: string;
  searches: number;
  withoutResult: number;
  clicks: number;
  popular: { query: string; searches: number; withoutResult: number; clicks: number }[];
  fruitless: SearchReport["popular"];
  clicked: { productId: string; title: string | null; clicks: number }[];
};
