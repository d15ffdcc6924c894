/** What the API nodes of a host take, from their own metrics. */
const LINE = /^tradewind_process_rss_bytes\{process="(api[^"]*)"\} (\d+)/gm;

/** Of the largest node, in MB. */
export async function rssOf({ api, opsKey }: { api: string; opsKey: string }): Promise<number> {
  const response = await fetch(`${api}/metrics`, { headers: { authorization: `Bearer ${opsKey}` } });
  const text = await response.text();
  const bytes = [...text.matchAll(LINE)].map(([, , value]) => Number(value));
  return Math.round(Math.max(0, ...bytes) / 1_048_576);
}
