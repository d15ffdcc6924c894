/** Where the shop is: `stack.json` of the running stack, overridden by what the environment names. */
import { join } from "node:path";
import { CliError } from "./command.ts";

/** The part of `stack.json` that is used here; all of it may be missing. */
export type StackFile = {
  api?: string;
  nodes?: string[];
  keys?: { publishable?: string; secret?: string; ops?: string } | null;
  databaseUrl?: string;
  natsUrl?: string;
  control?: string | null;
  stackToken?: string;
};

export type KeyKind = "publishable" | "secret" | "ops";

export type Overrides = {
  api?: string | undefined;
  publishableKey?: string | undefined;
  secretKey?: string | undefined;
  opsKey?: string | undefined;
};

export type Stack = {
  readonly api: string;
  /** Addresses of the single nodes; just the API's own where no stack file tells them. */
  readonly nodes: readonly string[];
  readonly databaseUrl: string | undefined;
  readonly natsUrl: string | undefined;
  /** The supervisor of this machine; undefined while none runs. */
  readonly supervisor: { url: string; token: string } | undefined;
  /** @throws CliError that says where a key comes from. */
  key(kind: KeyKind): string;
  /** `given`: by the environment only, for an address that is none of this stack's. */
  find(kind: KeyKind, from: "anywhere" | "given"): string | undefined;
};

export async function readStack(home: string, port: number, overrides: Overrides): Promise<Stack> {
  const path = join(home, "stack.json");
  const file = await readFile(path);
  const api = (overrides.api ?? file.api ?? `http://127.0.0.1:${port}`).replace(/\/+$/, "");
  const given = {
    publishable: overrides.publishableKey,
    secret: overrides.secretKey,
    ops: overrides.opsKey,
  };
  const find: Stack["find"] = (kind, from) =>
    given[kind] ?? (from === "anywhere" ? file.keys?.[kind] : undefined);
  return {
    api,
    nodes: overrides.api || !file.nodes?.length ? [api] : file.nodes,
    databaseUrl: file.databaseUrl,
    natsUrl: file.natsUrl,
    find,
    supervisor: file.control ? { url: file.control, token: file.stackToken ?? "" } : undefined,
    key(kind) {
      const key = find(kind, "anywhere");
      if (key) return key;
      const variable = `TRADEWIND_${kind.toUpperCase()}_KEY`;
      throw new CliError(
        `no ${kind} key: set ${variable}, or start the stack, which writes ${path}`,
        "no_key",
      );
    },
  };
}

async function readFile(path: string): Promise<StackFile> {
  const file = Bun.file(path);
  if (!(await file.exists())) return {};
  try {
    return (await file.json()) as StackFile;
  } catch {
    throw new CliError(`${path} can't be read; start the stack again, which writes it anew`);
  }
}
