/** What the processes of a cluster take over time. */
import type { BenchCluster, ClusterProcess } from "./cluster.ts";
import { pssMb, rssMb } from "./load/process.ts";
import type { Series } from "./scenario.ts";
import { median, round } from "./stats.ts";

type Point = readonly [seconds: number, mb: number];
export type Track = { name: string; pid: number; ours: boolean; points: Point[] };

/** Resident memory of every process, each second, from /proc. */
export function watchMemory(cluster: BenchCluster, everyMs = 1_000): { stop(): Track[] } {
  const startedAt = performance.now();
  const tracks = new Map<number, Track>();
  const look = () => {
    const seconds = round((performance.now() - startedAt) / 1_000, 1);
    for (const { name, pid, ours } of cluster.processes()) {
      const track = tracks.get(pid) ?? { name, pid, ours, points: [] };
      tracks.set(pid, track);
      const mb = rssMb(pid);
      if (mb > 0) track.points.push([seconds, mb]);
    }
  };
  look();
  const timer = setInterval(look, everyMs);
  return {
    stop() {
      clearInterval(timer);
      return [...tracks.values()];
    },
  };
}

export type Growth = { name: string; fromMb: number; toMb: number; growth: number };

/** Parts of the time that is looked at whose medians are compared: memory swings with each collection of garbage. */
const EDGE = 0.2;

/** How much a process took at the end beside after `warmSeconds`; null when it did not live that long. */
export function growthOf(
  { name, points }: Pick<Track, "name" | "points">,
  warmSeconds: number,
): Growth | null {
  const looked = points.filter(([at]) => at >= warmSeconds);
  const end = looked.at(-1)?.[0];
  if (end === undefined || points[0]![0] > warmSeconds) return null;
  const edge = (end - warmSeconds) * EDGE;
  const mb = (from: number, to: number) =>
    median(looked.filter(([at]) => at >= from && at <= to).map(([, value]) => value));
  const [fromMb, toMb] = [mb(warmSeconds, warmSeconds + edge), mb(end - edge, end)];
  return { name, fromMb: round(fromMb, 1), toMb: round(toMb, 1), growth: round(toMb / fromMb - 1, 3) };
}

const MAX_POINTS = 120;

/** For the drawing: few points tell as much. */
export function seriesOf({ name, points }: Track): Series {
  const every = Math.ceil(points.length / MAX_POINTS);
  const some = points.filter((_, i) => i % every === 0 || i === points.length - 1);
  return { name: `memory of ${name}`, unit: "MB", points: some.map(([at, mb]) => [at, round(mb, 1)]) };
}

/** Once: resident, and the share of it that is this process's own where pages are shared. */
export function memoryOf(processes: readonly ClusterProcess[]) {
  return processes.map(({ name, pid, ours }) => ({ name, ours, rssMb: rssMb(pid), pssMb: pssMb(pid) }));
}
