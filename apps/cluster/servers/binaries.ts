/**
 * Where nats-server and redis-server come from: the path that was given, PATH, Debian's packages. Each place is asked
 * in that order, and the first that has the program wins.
 */
import { access, constants } from "node:fs/promises";
import { resolve } from "node:path";
import { installAsRoot, unpack } from "./debian.ts";
import { ServerError } from "./server.ts";

export type Program = "nats-server" | "redis-server";
export type Binary = { path: string; env: Record<string, string> };

const variable = { "nats-server": "NATS_SERVER_BIN", "redis-server": "REDIS_SERVER_BIN" } as const;
const brewPackage = { "nats-server": "nats-server", "redis-server": "redis" } as const;

export async function findBinary(
  program: Program,
  options: { explicit: string | undefined; dir: string },
): Promise<Binary> {
  if (options.explicit) {
    if (await isExecutable(options.explicit)) return { path: resolve(options.explicit), env: {} };
    throw new ServerError(`${variable[program]} names ${options.explicit}, which can't be executed`);
  }
  const installed = onPath(program);
  if (installed) return installed;
  const reasons: string[] = [];
  for (const get of [installAsRoot, unpack]) {
    try {
      const binary = await get(program, options.dir);
      if (binary) return binary;
    } catch (error) {
      reasons.push((error as Error).message);
    }
  }
  throw new ServerError(
    `${program} was not found. Install it with "brew install ${brewPackage[program]}" or ` +
      `"apt-get install ${program}", or set ${variable[program]}${reasons.length ? ` (${reasons.join("; ")})` : ""}`,
  );
}

/** Debian keeps servers in /usr/sbin, which ordinary users do not have on their PATH. */
export function onPath(program: Program): Binary | null {
  const path = Bun.which(program, { PATH: `${process.env.PATH ?? ""}:/usr/sbin:/usr/local/sbin` });
  return path ? { path, env: {} } : null;
}

export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
