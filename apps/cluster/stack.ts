/** The contents of stack.json before anything runs. */
import type { Config } from "../../platform/config.ts";
import type { StackFile } from "./home.ts";
import { startTime } from "./process.ts";
import type { Addresses } from "./services.ts";

type Blank = Omit<StackFile, keyof Addresses>;

export function emptyStack(config: Config, home: string, before: StackFile | null): Blank {
  return {
    state: "starting",
    api: `http://127.0.0.1:${config.port}`,
    nodes: [],
    keys: before?.keys ?? null,
    storeId: before?.storeId ?? null,
    home,
    supervisor: { pid: process.pid, started: startTime(process.pid) ?? "" },
    control: null,
    servers: {},
    processes: {},
  };
}
