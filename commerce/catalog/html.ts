/**
 * Makes merchants' HTML safe to show. The output is built, not filtered: every tag in it is written here, from a list of
 * harmless elements and attributes, closed in order; every other `<` and `>` is escaped. So it does not matter how a
 * browser would have read the input.
 */

/** Elements and the attributes that they keep. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    "p br b strong i em u s ul ol li h1 h2 h3 h4 h5 h6 blockquote code pre hr span div small sub sup dl dt dd table thead tbody tr"
      .split(" ")
      .map(name => [name, []]),
  ),
  td: ["colspan", "rowspan"],
  th: ["colspan", "rowspan"],
  a: ["href", "title"],
  img: ["src", "alt", "width", "height"],
};

const empty = new Set(["br", "hr", "img"]);
/** Elements whose content is not text for people and goes with them. */
const dropped = new Set(
  "script style iframe object embed template noscript svg math title head textarea select".split(" "),
);

const tagPattern = /<(\/?)([a-zA-Z][a-zA-Z0-9:-]*)((?:"[^"]*"|'[^']*'|[^'"<>])*)>/y;
const commentPattern = /<!--[\s\S]*?(?:-->|$)|<[!?][^>]*(?:>|$)/y;
const attributePattern = /([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/g;

/** Safe HTML of the same text and structure. The same again for what is safe already. */
export function sanitizeHtml(html: string): string {
  const open: string[] = [];
  let out = "";
  for (let at = 0; at < html.length; ) {
    const next = html.indexOf("<", at);
    if (next === -1) return out + escapeText(html.slice(at)) + closeAll(open);
    out += escapeText(html.slice(at, next));
    const comment = matchAt(commentPattern, html, next);
    const tag = comment ? null : matchAt(tagPattern, html, next);
    if (comment) at = next + comment[0].length;
    else if (!tag) {
      out += "&lt;";
      at = next + 1;
    } else {
      at = next + tag[0].length;
      const name = tag[2]!.toLowerCase();
      if (dropped.has(name) && !tag[1]) at = endOf(name, html, at);
      else out += tag[1] ? closeTag(name, open) : openTag(name, tag[3]!, open);
    }
  }
  return out + closeAll(open);
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** Behind the closing tag of a dropped element, or the end of the text. */
function endOf(name: string, html: string, from: number): number {
  const close = new RegExp(`</${name}[^>]*>`, "gi");
  close.lastIndex = from;
  return close.exec(html) ? close.lastIndex : html.length;
}

function openTag(name: string, attributes: string, open: string[]): string {
  const keep = Object.hasOwn(allowed, name) ? allowed[name] : undefined;
  if (!keep) return "";
  let tag = `<${name}`;
  for (const [, attribute, double, single, bare] of attributes.matchAll(attributePattern)) {
    const key = attribute!.toLowerCase();
    const value = double ?? single ?? bare ?? "";
    if (keep.includes(key) && harmless(key, value)) tag += ` ${key}="${escapeAttribute(value)}"`;
  }
  if (!empty.has(name)) open.push(name);
  return `${tag}>`;
}

/** Addresses only of schemes that can't run code; judged before entities are resolved, so they can't hide one. */
function harmless(attribute: string, value: string): boolean {
  if (attribute === "href") return /^(https?:\/\/|mailto:|\/(?![/\\])|#)/i.test(value);
  if (attribute === "src") return /^https?:\/\//i.test(value);
  if (attribute === "alt" || attribute === "title") return true;
  return /^\d{1,4}$/.test(value);
}

/** Closes what was opened inside of it too; a closing tag without an opening one is dropped. */
function closeTag(name: string, open: string[]): string {
  const at = open.lastIndexOf(name);
  return at === -1 ? "" : closeAll(open.splice(at));
}

function closeAll(open: string[]): string {
  return open
    .reverse()
    .map(name => `</${name}>`)
    .join("");
}

function escapeText(text: string): string {
  return text.replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function escapeAttribute(value: string): string {
  return escapeText(value).replaceAll('"', "&quot;");
}
