/** Imports are done with exactly the stock of their file; pictures are ready with all their files, or failed with a reason. */
import type { Item } from "../journal.ts";
import type { Stack } from "../stack.ts";
import type { Finding } from "./finding.ts";

type Import = { id: string; status: string; products: number; errors: number };

export async function judgeImports(stack: Stack, items: readonly Item[]): Promise<Finding[]> {
  const accepted = items.filter(item => item.accepted);
  const ids = accepted.map(({ answer }) => String(answer!.body.id));
  const rows = await stack.sql<Import[]>`
    SELECT id, status, products, error_count AS errors FROM imports.import WHERE id = ANY(${ids})`;
  const byId = new Map(rows.map(row => [row.id, row]));
  const ends = accepted.flatMap((item): Finding[] => {
    const found = byId.get(String(item.answer!.body.id));
    const wanted = {
      products: (item.wants.handles as string[]).length,
      errors: item.wants.hasBadRow ? 1 : 0,
    };
    const isRight =
      found?.status === "done" && found.products === wanted.products && found.errors === wanted.errors;
    return isRight
      ? []
      : [{ kind: "lost", what: `${item.name}: ${JSON.stringify(found ?? "no such import")}`, item }];
  });
  return [...ends, ...(await judgeLevels(stack, accepted))];
}

async function judgeLevels(stack: Stack, items: readonly Item[]): Promise<Finding[]> {
  const wanted = new Map(
    items.flatMap(item =>
      (item.wants.handles as string[]).map((handle, i) => [handle, { item, units: i + 1 }] as const),
    ),
  );
  const rows = await stack.sql<{ handle: string; units: number }[]>`
    SELECT p.handle, sum(l.on_hand)::int AS units FROM catalog.product p
    JOIN inventory.level l ON l.product_id = p.id WHERE p.handle = ANY(${[...wanted.keys()]}) GROUP BY p.handle`;
  const found = new Map(rows.map(({ handle, units }) => [handle, units]));
  return [...wanted].flatMap(([handle, { item, units }]): Finding[] => {
    const got = found.get(handle) ?? 0;
    if (got === units) return [];
    return [
      {
        kind: got > units ? "twice" : "lost",
        what: `${handle}: ${units} units in the file, ${got} in stock`,
        item,
      },
    ];
  });
}

type Asset = { id: string; status: string; error: string | null; complete: boolean; urls: string[] };

export async function judgePictures(stack: Stack, items: readonly Item[]): Promise<Finding[]> {
  const accepted = items.filter(item => item.accepted);
  const ids = accepted.map(({ answer }) => String(answer!.body.id));
  const rows = await stack.sql<Asset[]>`
    SELECT a.id, a.status, a.error, a.complete FROM media.asset a WHERE a.id = ANY(${ids})`;
  const byId = new Map(rows.map(row => [row.id, row]));
  const findings: Finding[] = [];
  for (const item of accepted) {
    const asset = byId.get(String(item.answer!.body.id));
    const isEnded =
      asset && (asset.status === "ready" ? asset.complete : asset.status === "failed" && asset.error);
    if (!isEnded)
      findings.push({ kind: "lost", what: `${item.name}: ${JSON.stringify(asset ?? "no asset")}`, item });
    else if (asset.status === "failed" && !item.wants.isBroken)
      findings.push({ kind: "lost", what: `${item.name} failed: ${asset.error}`, item });
    else if (asset.status === "ready") findings.push(...(await judgeServed(stack, item, asset.id)));
  }
  return [...findings, ...judgeSameBytes(accepted)];
}

async function judgeServed(stack: Stack, item: Item, id: string): Promise<Finding[]> {
  const { variants } = await stack.api.admin<{ variants: { url: string; bytes: number }[] }>(
    "GET",
    `/admin/media/${id}`,
  );
  const { api } = stack.now();
  const findings: Finding[] = [];
  for (const { url, bytes } of variants) {
    const response = await fetch(new URL(url, api));
    const got = (await response.arrayBuffer()).byteLength;
    if (response.status !== 200 || got !== bytes)
      findings.push({
        kind: "lost",
        what: `${item.name}: ${url} is ${response.status} with ${got} of ${bytes} bytes`,
        item,
      });
  }
  return findings;
}

function judgeSameBytes(items: readonly Item[]): Finding[] {
  const byHash = Map.groupBy(items, item => item.wants.hash);
  return [...byHash.values()].flatMap((same): Finding[] => {
    const ids = new Set(same.map(({ answer }) => answer!.body.id));
    return ids.size === 1
      ? []
      : [{ kind: "twice", what: `the same bytes are ${[...ids].join(", ")}`, item: same[0] }];
  });
}
