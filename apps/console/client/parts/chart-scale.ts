/** The arithmetic of charts. */
export type Box = { top: number; width: number; height: number };

/** The least of 1, 2, 5 × 10ⁿ that is not below the value. */
export function niceCeiling(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find(one => one * power >= value * (1 - 1e-9))!;
  return step * power;
}

/** An SVG path from the left edge to the right; a value that is not there interrupts the line. */
export function linePath(values: readonly (number | null)[], { top, width, height }: Box): string {
  const parts: string[] = [];
  let open = false;
  values.forEach((value, i) => {
    if (value === null) {
      open = false;
      return;
    }
    const x = values.length < 2 ? width : (i / (values.length - 1)) * width;
    const y = height - (Math.min(Math.max(value, 0), top) / top) * height;
    parts.push(`${open ? "L" : "M"}${round(x)} ${round(y)}`);
    // A lone point is a short stroke: a path of one point shows nothing.
    if (!open && (values[i + 1] ?? null) === null) parts.push(`h1`);
    open = true;
  });
  return parts.join("");
}

const round = (value: number) => Math.round(value * 100) / 100;
