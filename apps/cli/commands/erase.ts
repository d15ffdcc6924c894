import { CliError, type Command, type Context, type Result } from "../command.ts";
import { fields } from "../table.ts";

type Erasure = {
  id: string;
  status: string;
  account: boolean;
  orders: number;
  carts: number;
  mails: number;
  texts: number;
};

const WAIT_MS = 60_000;
const POLL_MS = 250;

async function erase({ api, args, options }: Context): Promise<Result> {
  const [person = ""] = args;
  const json = person.includes("@") ? { email: person } : { customerId: person };
  let erasure = await api.admin<Erasure>("/erasures", { method: "POST", json });
  const until = Date.now() + WAIT_MS;
  while (erasure.status !== "done" && options["no-wait"] !== true) {
    if (Date.now() > until)
      throw new CliError(`${erasure.id} is still ${erasure.status}; it goes on`, "timeout");
    await Bun.sleep(POLL_MS);
    erasure = await api.admin<Erasure>(`/erasures/${erasure.id}`);
  }
  const text = fields([
    ["id", erasure.id],
    ["status", erasure.status],
    ["account", erasure.account],
    ["orders", erasure.orders],
    ["carts", erasure.carts],
    ["mails", erasure.mails],
    ["texts", erasure.texts],
  ]);
  return { json: erasure, text };
}

export const eraseCommand: Command = {
  path: ["customers", "erase"],
  args: ["EMAIL|ID"],
  about: "Forget a person: account, addresses, what jobs quote; orders stay without them. For good",
  options: { "no-wait": { type: "boolean", about: "do not wait for its end" } },
  run: erase,
};
