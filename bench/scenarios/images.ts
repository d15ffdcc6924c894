/**
 * Photographs through the whole pipeline (upload over HTTP, job, three sizes in each format, placeholder, database), beside
 * bare sharp at the same encodes on the same cores (the limit), in turn. Then what the processes take: a worker and its
 * decoders, the worker after few and after many pictures, an API node that takes in 24 megapixels. And a variant
 * served from disk beside bare `Bun.serve` with the same file.
 */
import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createKey, createStore } from "../../commerce/stores/index.ts";
import { countAnswers } from "../load/bytes.ts";
import { requestText } from "../load/connection.ts";
import { rssMb, watchRss } from "../load/process.ts";
import type { Case, Report, Scenario } from "../scenario.ts";
import type { ApiNode, BenchStack, Program } from "../stack.ts";
import { figuresOf, type Measured, median, round } from "../stats.ts";
import { largePhotograph, photograph, smallPhotograph } from "./images.photos.ts";

const CLIENTS = 16;
const SLICES = 6;

type Studio = { stack: BenchStack; api: ApiNode; pool: Program; key: string; sent: number };

export const imagesScenario: Scenario = {
  name: "images",
  about: "photographs through the whole pipeline beside bare sharp; a variant served beside bare Bun.serve",
  seconds: 3,
  async run(stack, { seconds, quick, say }): Promise<Report> {
    const studio = await open(stack);
    const [runs, count] = quick ? [1, 16] : [3, 24];
    const photo = await photograph();
    const path = join(stack.dir, "photo.jpg");
    await Bun.write(path, photo);
    say("images: warming up");
    await convert(studio, photo, 4);
    const watched = watchRss(studio.pool.pid);
    const pairs = { bare: [] as number[], ours: [] as number[] };
    for (let i = 0; i < runs; i++) {
      say(`images: ${count} photographs, run ${i + 1}`);
      pairs.bare.push(await bareSharp(stack, path, count));
      pairs.ours.push(await convert(studio, photo, count));
    }
    const most = watched.stop();
    const cases = [
      memoryCase("a worker at photographs of 6 MP", most.own, 350),
      memoryCase("the largest of its decoders", most.child, 350),
      await manyCase(studio, quick ? [10, 30] : [50, 500], say),
      await uploadCase(studio, say),
      await servingCase(studio, { runs: quick ? 2 : SLICES, seconds: seconds / 2, say }),
    ];
    const exact = await isWhole(studio);
    const [bare, ours] = [median(pairs.bare), median(pairs.ours)];
    const ratios = pairs.ours.map((rate, i) => rate / pairs.bare[i]!);
    const ofLimit = round(median(ratios));
    const range = (rates: number[]) => [round(Math.min(...rates)), round(Math.max(...rates))] as const;
    return {
      runs,
      exact,
      ours: { perSecond: round(ours), perSecondRange: range(pairs.ours), rssMb: Math.round(most.own) },
      limit: {
        name: `bare sharp, ${availableParallelism()} processes of one thread, decoded once`,
        perSecond: round(bare),
        perSecondRange: range(pairs.bare),
      },
      ofLimit,
      cases: [
        {
          name: `${Math.round(ours * 60)} photographs a minute`,
          perSecond: round(ours),
          ofLimit,
          target: "at least 0.9 of bare sharp",
          ok: ofLimit >= 0.9,
        },
        ...cases,
      ],
      notes: [`${studio.sent} pictures were uploaded, and each has all its variants`],
    };
  },
};

async function open(stack: BenchStack): Promise<Studio> {
  const store = await createStore(stack.sql, { name: "Bench", currency: "EUR" });
  const { key } = await createKey(stack.sql, { kind: "secret", storeId: store.id, name: "bench" });
  const api = await stack.startApi();
  await stack.startKeeper();
  await stack.startPool("normal");
  return { stack, api, pool: await stack.startPool("low"), key, sent: 0 };
}

/** Photographs a second, from the first upload to the last row. */
async function convert(studio: Studio, photo: Uint8Array<ArrayBuffer>, count: number): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  const upload = async () => {
    while (next++ < count) await send(studio, photo);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, upload));
  while ((await convertedOf(studio)) < studio.sent) await Bun.sleep(20);
  return count / ((performance.now() - startedAt) / 1_000);
}

async function convertedOf({ stack }: Studio): Promise<number> {
  const [row] = await stack.sql<{ count: number }[]>`
    SELECT count(*)::int AS count FROM bus.job WHERE kind = 'image.convert' AND finished_at IS NOT NULL`;
  return row!.count;
}

async function send(studio: Studio, photo: Uint8Array<ArrayBuffer>): Promise<string> {
  const n = studio.sent++;
  const form = new FormData();
  // Bytes behind the end of a JPEG make it another file and the same picture.
  form.append("file", new Blob([photo, `${n}`], { type: "image/jpeg" }), `photo-${n}.jpg`);
  const headers = { authorization: `Bearer ${studio.key}` };
  const url = `http://127.0.0.1:${studio.api.port}/admin/media`;
  const answer = await fetch(url, { method: "POST", headers, body: form });
  if (answer.status !== 202) throw new Error(`upload answered ${answer.status}: ${await answer.text()}`);
  return ((await answer.json()) as { id: string }).id;
}

async function bareSharp(stack: BenchStack, photo: string, count: number): Promise<number> {
  const out = join(stack.dir, "bare");
  await mkdir(out, { recursive: true });
  const processes = availableParallelism();
  const args = [out, String(Math.ceil(count / processes)), photo];
  const done = await Promise.all(
    Array.from({ length: processes }, () => stack.runPeer<Measured>("bench/peers/sharp.ts", args)),
  );
  const seconds = Math.max(...done.map(one => one.seconds));
  return done.reduce((sum, one) => sum + one.count, 0) / seconds;
}

function memoryCase(name: string, mb: number, mostMb: number): Case {
  return { name, rssMb: Math.round(mb), target: `less than ${mostMb} MB`, ok: mb < mostMb };
}

/** The worker after few and after many pictures. */
async function manyCase(studio: Studio, [few, many]: number[], say: (line: string) => void): Promise<Case> {
  const photo = await smallPhotograph();
  say(`images: ${many} pictures`);
  await convert(studio, photo, few!);
  const early = rssMb(studio.pool.pid);
  await convert(studio, photo, many! - few!);
  const late = rssMb(studio.pool.pid);
  const target = `at most 1.2 times the ${Math.round(early)} MB after ${few}`;
  return {
    name: `a worker after ${many} pictures`,
    rssMb: Math.round(late),
    target,
    ok: late <= early * 1.2,
  };
}

async function uploadCase(studio: Studio, say: (line: string) => void): Promise<Case> {
  say("images: an upload of 24 MP");
  const photo = await largePhotograph();
  const before = rssMb(studio.api.pid);
  const watched = watchRss(studio.api.pid, 2);
  await send(studio, photo);
  const grown = Math.max(0, watched.stop().own - before);
  while ((await convertedOf(studio)) < studio.sent) await Bun.sleep(50);
  const name = `growth of an API node that takes ${round(photo.length / 1e6, 1)} MB of 24 MP in`;
  return memoryCase(name, grown, 60);
}

type Serving = { runs: number; seconds: number; say(line: string): void };

async function servingCase(studio: Studio, { runs, seconds, say }: Serving): Promise<Case> {
  const { stack, api } = studio;
  const [file] = await stack.sql<{ key: string; bytes: number }[]>`
    SELECT storage_key AS key, bytes::int FROM media.variant
    WHERE name = '800' AND format = 'webp' ORDER BY asset_id LIMIT 1`;
  const bare = await stack.startServer("bench/servers/file.ts");
  const onDisk = join(stack.dir, "media", file!.key);
  await fetch(`http://127.0.0.1:${bare.port}/`, { method: "POST", body: onDisk });
  const path = `/media/${file!.key.split("/").at(-1)}`;
  const request = requestText({ method: "GET", path, headers: {} });
  const load = { clients: CLIENTS, seconds };
  /** An answer longer than it says has been seen of servers that send files; such a run is told and made again. */
  const measure = (port: number): Promise<Measured> =>
    countAnswers(port, request, load).catch(error => {
      say(`images: port ${port}: ${String(error).slice(0, 60)}; once more`);
      return countAnswers(port, request, load);
    });
  for (const port of [bare.port, api.port]) await measure(port);
  const pairs = { bare: [] as Measured[], ours: [] as Measured[] };
  for (let i = 0; i < runs; i++) {
    say(`images: serving, run ${i + 1}`);
    pairs.bare.push(await measure(bare.port));
    pairs.ours.push(await measure(api.port));
  }
  const rates = (all: Measured[]) => all.map(one => one.count / one.seconds);
  const [limit, ours] = [rates(pairs.bare), rates(pairs.ours)];
  const ofLimit = round(median(ours.map((rate, i) => rate / limit[i]!)));
  const target = `at least 0.85 of the ${Math.round(median(limit))}/s of bare Bun.serve`;
  const name = `serving a variant of ${Math.round(file!.bytes / 1_024)} KB`;
  return { name, ...figuresOf(pairs.ours), ofLimit, target, ok: ofLimit >= 0.85 };
}

async function isWhole({ stack, sent }: Studio): Promise<boolean> {
  const [row] = await stack.sql<{ whole: number }[]>`
    SELECT count(*)::int AS whole FROM media.asset a WHERE a.status = 'ready'
      AND (SELECT count(*) FROM media.variant v WHERE v.store_id = a.store_id AND v.asset_id = a.id) = 9`;
  return row!.whole === sent;
}
