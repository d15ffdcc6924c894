/** The looks of the page, and the way of texts into it. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** Hues are told apart in both lights, and by those who see no red or no green. */
export const style = `
:root { --ground: #fbfbfa; --card: #fff; --ink: #1d2329; --soft: #5a6570; --track: #eceef0; --edge: #e2e5e8;
  --ours: #0b6e99; --limit: #8a949e; --peer: #c98a1b; --ok: #0f7b4d; --missed: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14181c; --card: #1b2126; --ink: #e6e9ec; --soft: #9aa5b0; --track: #2a3138; --edge: #2c343b;
    --ours: #4fb3dd; --limit: #77828d; --peer: #e0ac4d; --ok: #55c793; --missed: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header, main { max-width: 1100px; margin: 0 auto; padding: 16px; }
main { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); align-items: start; padding-top: 0; }
h1 { font-size: 24px; margin: 8px 0; } h2 { font-size: 18px; margin: 0 0 4px; }
section { background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: 16px; min-width: 0; }
p { margin: 0 0 10px; color: var(--soft); overflow-wrap: anywhere; }
svg { display: block; overflow: visible; } svg text { fill: var(--ink); font-size: 14px; } svg text.value { fill: var(--soft); }
.track { fill: var(--track); } .ours { fill: var(--ours); } .limit { fill: var(--limit); } .peer { fill: var(--peer); }
.range { stroke: var(--ink); stroke-width: 2; }
figure { margin: 0 0 10px; } figcaption { display: flex; justify-content: space-between; gap: 8px; font-size: 14px; }
.line { border-bottom: 1px solid var(--edge); } polyline { fill: none; stroke: var(--ours); stroke-width: 2; vector-effect: non-scaling-stroke; }
.cases { list-style: none; margin: 8px 0; padding: 0; } .cases li { border-top: 1px solid var(--edge); padding: 8px 0; }
.cases strong, .cases .value { display: block; } .cases strong { font-weight: 600; overflow-wrap: anywhere; }
.value, .target { color: var(--soft); font-variant-numeric: tabular-nums; } .note { font-size: 14px; }
.ok { color: var(--ok); } .missed { color: var(--missed); } strong.ok, strong.missed { font-weight: 600; }
code { font-size: 14px; }
`;
