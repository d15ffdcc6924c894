/** Lines over time. Series differ by dash as well as by colour; the newest values stand in the legend as text. */
import { useState } from "preact/hooks";
import { linePath, niceCeiling } from "./chart-scale.ts";

export type Series = {
  /** Also picks the colour and the dash (styles/charts.css). */
  name: string;
  values: readonly (number | null)[];
};

type ChartProps = {
  title: string;
  times: readonly number[];
  series: readonly Series[];
  show: (value: number) => string;
  /** The scale goes at least this far, so that noise near zero stays small. */
  least?: number;
  /** What the latest value is called; default "now". */
  latest?: string;
  /** What a time is called; default: its hours, minutes and seconds. */
  when?: (time: number) => string;
};

const WIDTH = 600;
const HEIGHT = 150;
const time = new Intl.DateTimeFormat(navigator.language, { timeStyle: "medium" });

export function Chart({
  title,
  times,
  series,
  show,
  least = 1,
  latest = "now",
  when = at => time.format(at),
}: ChartProps) {
  const [at, setAt] = useState<number | null>(null);
  const greatest = Math.max(least, ...series.flatMap(one => one.values.map(value => value ?? 0)));
  const top = niceCeiling(greatest);
  const shown = at ?? times.length - 1;
  const valueIn = (one: Series) => one.values[shown];
  const x = (i: number) => (times.length < 2 ? WIDTH : (i / (times.length - 1)) * WIDTH);
  const follow = (event: PointerEvent) => {
    const { left, width } = (event.currentTarget as Element).getBoundingClientRect();
    setAt(
      Math.min(
        times.length - 1,
        Math.max(0, Math.round(((event.clientX - left) / width) * (times.length - 1))),
      ),
    );
  };
  const summary = series.map(one => `${one.name} ${textOf(valueIn(one), show)}`).join(", ");
  return (
    <figure class="stack">
      <ul class="legend">
        {series.map(one => (
          <li key={one.name}>
            <svg width="22" height="6" aria-hidden="true">
              <line x1="0" x2="22" y1="3" y2="3" stroke-width="2" data-series={one.name} />
            </svg>
            {one.name} <strong>{textOf(valueIn(one), show)}</strong>
          </li>
        ))}
      </ul>
      <div class="chart-frame">
        <div class="chart-scale" aria-hidden="true">
          <span>{show(top)}</span>
          <span>{show(top / 2)}</span>
          <span>{show(0)}</span>
        </div>
        <svg
          class="chart"
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${title}, ${latest}: ${summary}`}
          onPointerMove={follow}
          onPointerLeave={() => setAt(null)}
        >
          {[0, 0.5, 1].map(part => (
            <line key={part} class="chart-grid" x1="0" x2={WIDTH} y1={HEIGHT * part} y2={HEIGHT * part} />
          ))}
          {series.map(one => (
            <path
              key={one.name}
              class="chart-line"
              data-series={one.name}
              d={linePath(one.values, { top, width: WIDTH, height: HEIGHT })}
            />
          ))}
          {at !== null && <line class="chart-cursor" x1={x(at)} x2={x(at)} y1="0" y2={HEIGHT} />}
        </svg>
        <div class="chart-times" aria-hidden="true">
          <span>{times.length > 0 ? when(times[0]!) : ""}</span>
          <span>{at !== null ? when(times[at]!) : latest}</span>
        </div>
      </div>
    </figure>
  );
}

const textOf = (value: number | null | undefined, show: (value: number) => string) =>
  value === null || value === undefined ? "–" : show(value);

/** A line without scale, for rows of a table; the value stands beside it. */
export function Spark({ values }: { values: readonly (number | null)[] }) {
  const top = Math.max(1, ...values.map(value => value ?? 0));
  return (
    <svg class="spark" viewBox="0 0 88 22" preserveAspectRatio="none" aria-hidden="true">
      <path d={linePath(values, { top: top * 1.1, width: 88, height: 22 })} />
    </svg>
  );
}
