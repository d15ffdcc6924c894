/** Where the shop is: `stack.json` of the running stack, overridden by what the environment names. */
import { join } from "node:path";
import { CliError } from "./command.ts";

/** The part of `stack.json` that is used here; all of it may be missing. */
export type StackFile = {
  api?: string;
  nodes?: string[];
  keys?: { publishable?: string; secret?: string; ops?: string } | null;
  databaseUrl?: string;
};

export type Overrides = {
  api?: string | undefined;
  secretKey?: string | undefined;
  opsKey?: string | undefined;
};

export type Stack = {
  readonly api: string;
  /** Addresses of the single nodes; just the API's own where no stack file tells them. */
  readonly nodes: readonly string[];
  readonly databaseUrl: string | undefined;
  /** @throws CliError that says where a key comes from. */
  key(kind: "secret" | "ops"): string;
};

export async function readStack(home: string, port: number, overrides: Overrides): Promise<Stack> {
  const path = join(home, "stack.json");
  const file = await readFile(path);
  const api = (overrides.api ?? file.api ?? `http://127.0.0.1:${port}`).replace(/\/+$/, "");
  const keys = { secret: overrides.secretKey ?? file.keys?.secret, ops: overrides.opsKey ?? file.keys?.ops };
  return {
    api,
    nodes: overrides.api || !file.nodes?.length ? [api] : file.nodes,
    databaseUrl: file.databaseUrl,
    key(kind) {
      const key = keys[kind];
      if (key) return key;
      const variable = kind === "secret" ? "TRADEWIND_SECRET_KEY" : "TRADEWIND_OPS_KEY";
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
