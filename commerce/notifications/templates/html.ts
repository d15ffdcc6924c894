/** HTML that is escaped by construction: what is put into a template is text, unless it was made by {@link html} itself. */
export class SafeHtml {
  constructor(readonly html: string) {}
}

type Value = string | number | SafeHtml | readonly SafeHtml[];

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(value: Value): string {
  if (value instanceof SafeHtml) return value.html;
  if (typeof value === "object") return value.map(one => one.html).join("");
  return String(value).replace(/[&<>"']/g, char => entities[char]!);
}

export function html(parts: TemplateStringsArray, ...values: Value[]): SafeHtml {
  return new SafeHtml(parts.reduce((out, part, i) => out + escaped(values[i - 1]!) + part));
}
