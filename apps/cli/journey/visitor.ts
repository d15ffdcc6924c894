/** A visitor's requests: the publishable key on shop routes, the secret key, where there is one, for the order's end only. */
export class JourneyFailed extends Error {
  override name = "JourneyFailed";
  constructor(
    readonly step: string,
    message: string,
  ) {
    super(message);
  }
}

export type Answer = { status: number; body: unknown };

export type Visitor = {
  readonly url: string;
  readonly email: string;
  readonly mayCancel: boolean;
  /** Any answer. @throws Error when there is none. */
  send(method: string, path: string, json?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** @throws Error for any status but 2xx. */
  get<T>(path: string): Promise<T>;
  post<T>(path: string, json: unknown, headers?: Record<string, string>): Promise<T>;
  patch<T>(path: string, json: unknown): Promise<T>;
  cancel(orderId: string): Promise<void>;
};

export type VisitorOptions = {
  url: string;
  key: string;
  secretKey: string | undefined;
  email: string;
  timeoutMs: number;
};

export function createVisitor({ url, key, secretKey, email, timeoutMs }: VisitorOptions): Visitor {
  const send = async (
    method: string,
    path: string,
    json?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const auth: Record<string, string> = path.startsWith("/admin")
      ? { authorization: `Bearer ${secretKey}` }
      : { "x-publishable-key": key };
    const response = await fetch(url + path, {
      method,
      headers: { ...auth, ...(json !== undefined && { "content-type": "application/json" }), ...headers },
      ...(json !== undefined && { body: JSON.stringify(json) }),
      signal: AbortSignal.timeout(timeoutMs),
    }).catch(error => {
      throw new Error(
        (error as Error).name === "TimeoutError"
          ? `no answer within ${timeoutMs} ms`
          : `${url} can't be reached`,
      );
    });
    return { status: response.status, body: await response.json().catch(() => null) };
  };
  const ask = async <T>(...args: Parameters<typeof send>): Promise<T> => {
    const { status, body } = await send(...args);
    if (status >= 200 && status < 300) return body as T;
    const { detail, title } = (body ?? {}) as { detail?: string; title?: string };
    throw new Error(`${args[0]} ${args[1]} answered ${status}: ${detail ?? title ?? "no problem document"}`);
  };
  return {
    url,
    email,
    mayCancel: secretKey !== undefined,
    send,
    get: path => ask("GET", path),
    post: (path, json, headers) => ask("POST", path, json, headers),
    patch: (path, json) => ask("PATCH", path, json),
    cancel: orderId => ask("POST", `/admin/orders/${orderId}/cancel`, {}),
  };
}
