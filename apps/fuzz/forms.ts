/** Multipart bodies for uploads and imports: whole, or broken in the ways that parsers trip over. */
import type { Random } from "./random.ts";
import { PNG } from "./world.ts";

type Form = { type: string; bytes: Uint8Array<ArrayBuffer> };

const BOUNDARY = "----fuzz";
const CSV = "Handle,Title,Variant SKU,Variant Price\nfuzzed,Fuzzed,FUZZED-1,1.00\n";

const fileNames = ["a.png", "a.csv", "../../a", 'a"b', "a\u202egnp", "", "x".repeat(2_000), "con.aux", "%00"];
const fileTypes = ["image/png", "text/csv", "text/html", "", "image/svg+xml", ";;"];

const contents: readonly Buffer[] = [
  PNG,
  PNG.subarray(0, 20),
  Buffer.from(CSV),
  Buffer.from('Handle,Title\n"never closed'),
  Buffer.from("\xff\xfe\0\0", "latin1"),
  Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"),
  Buffer.from("GIF89a"),
  Buffer.alloc(0),
  Buffer.alloc(40_000, "a,b,c\n"),
];

/** About half of them are what the route wants. */
export function formOf(path: string, random: Random): Form {
  const isMedia = path.includes("/media");
  const good = random.chance(0.5);
  const content = good ? (isMedia ? PNG : Buffer.from(CSV)) : random.pick(contents);
  const name = good ? (isMedia ? "a.png" : "a.csv") : random.pick(fileNames);
  const type = good ? (isMedia ? "image/png" : "text/csv") : random.pick(fileTypes);
  const parts = [part("file", content, { name, type })];
  if (random.chance(0.3)) parts.push(part("alt", Buffer.from("a lamp")));
  if (!good) parts.push(...oddParts(random));
  const whole = Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]);
  return {
    type: `multipart/form-data; boundary=${BOUNDARY}`,
    bytes: good || random.chance(0.6) ? whole : broken(whole, random),
  };
}

function part(field: string, content: Buffer, file?: { name: string; type: string }): Buffer {
  const named = file === undefined ? "" : `; filename="${file.name}"`;
  const typed = file?.type ? `\r\nContent-Type: ${file.type}` : "";
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${field}"${named}${typed}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), content, Buffer.from("\r\n")]);
}

function oddParts(random: Random): Buffer[] {
  const odd = [
    () => part("position", Buffer.from("-1")),
    () => part("productId", Buffer.from("prod_'--")),
    () => part("alt", Buffer.alloc(5_000, "x")),
    () => part("alt", Buffer.from([0xc3, 0x28, 0])),
    () => part("__proto__", Buffer.from("1")),
    () => part("unknown", Buffer.from("1")),
    () => part("file", PNG, { name: "second.png", type: "image/png" }),
    () => Buffer.from(`--${BOUNDARY}\r\n\r\nno headers\r\n`),
    () => Buffer.from(`--${BOUNDARY}\r\nX: ${"y".repeat(20_000)}\r\n\r\nlong\r\n`),
    () => Buffer.concat(Array.from({ length: 300 }, () => part("alt", Buffer.from("many")))),
  ];
  return Array.from({ length: random.int(0, 2) }, () => random.pick(odd)());
}

function broken(whole: Buffer, random: Random): Buffer<ArrayBuffer> {
  const copy = Buffer.from(whole);
  if (random.chance(0.5)) return copy.subarray(0, random.int(0, copy.length));
  for (let i = 0; i < 3; i++) copy[random.int(0, copy.length - 1)] = random.int(0, 255);
  return copy;
}
