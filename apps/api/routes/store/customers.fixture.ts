/** For tests: a shop over HTTP with a shared Redis, where people register and log in. */
import { testServers } from "../../../../platform/testing/index.ts";
import { type TestApi, type TestApiOptions, type TestRequest, testApi } from "../../testing.ts";

// biome-ignore lint/suspicious/noExplicitAny: bodies of any route
type Json = any;

export type ShopFront = Awaited<ReturnType<typeof openShopFront>>;

export const PASSWORD = "correct horse battery";

/** Limits are high unless a test sets them; every shop has an address of its own, since Redis is shared. */
export async function openShopFront(options: TestApiOptions = {}) {
  const servers = await testServers();
  const redis = { redisUrl: servers.redisUrl, redisToken: servers.redisToken, redisTimeoutMs: 5_000 };
  const config = { ...redis, rateLimitFactor: 1_000, ...options.config };
  const api: TestApi = await testApi({ ...options, config });

  const call = async (method: string, path: string, request: TestRequest = {}) => {
    const response = await api.request(method, path, { key: api.keys.publishable, ...request });
    const text = await response.text();
    const body = JSON.parse(text || "null") as Json;
    return { status: response.status, headers: response.headers, text, body };
  };
  const someone = () => `buyer-${crypto.randomUUID()}@example.com`;
  const register = async (email = someone(), password = PASSWORD) => {
    const made = await call("POST", "/store/customers", { json: { email, password } });
    if (made.status !== 201) throw new Error(made.text);
    return { id: made.body.id as string, email, password };
  };
  const logIn = (given: { email: string; password?: string; cartId?: string }) => {
    const { email, password = PASSWORD, cartId } = given;
    return call("POST", "/store/sessions", { json: { email, password, ...(cartId ? { cartId } : {}) } });
  };
  /** A customer who is logged in, and the header that says so. */
  const member = async () => {
    const customer = await register();
    const { body } = await logIn(customer);
    return { ...customer, token: body.token as string, headers: { authorization: `Bearer ${body.token}` } };
  };
  return { api, sql: api.sql, store: api.store, call, someone, register, logIn, member, close: api.close };
}
