/** Icons of our own, drawn on a grid of 16; always beside a text or a label, so hidden from screen readers. */
const paths = {
  overview: "M2 9.5 5.5 6l3 3L14 3.5M2 13.5h12",
  pools: "M2.5 3h11v3h-11zM2.5 10h11v3h-11zM5 4.5h.01M5 11.5h.01",
  jobs: "M3 4h10M3 8h10M3 12h6",
  dead: "M8 2.5 14 13H2zM8 6.5v3M8 11.2h.01",
  mail: "M2 4h12v8.5H2zM2 4.5l6 4.5 6-4.5",
  bell: "M4 11V7a4 4 0 0 1 8 0v4l1 1.5H3zM6.8 14h2.4",
  clock: "M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2zM8 5v3.2l2.2 1.4",
  orders: "M3 2.5h10v11l-2-1.2-1.5 1.2L8 12.3l-1.5 1.2L5 12.3l-2 1.2zM5.5 6h5M5.5 9h5",
  media: "M2 3h12v10H2zM2 11l3.5-3.5 3 3 2-2L14 12M10.5 6h.01",
  products: "M2.5 5 8 2l5.5 3v6L8 14l-5.5-3zM2.5 5 8 8l5.5-3M8 8v6",
  imports: "M8 2v7.5M5 6.5l3 3 3-3M2.5 11v2.5h11V11",
  menu: "M2 4h12M2 8h12M2 12h12",
  close: "M4 4l8 8M12 4l-8 8",
  check: "M3 8.5 6.5 12 13 4.5",
  cross: "M4.5 4.5l7 7M11.5 4.5l-7 7",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3.2 12.5 8 5 12.8z",
  dot: "M8 5.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z",
  spin: "M8 2.5a5.5 5.5 0 1 1-5.5 5.5",
  sun: "M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M12.8 3.2l-1.1 1.1M4.3 11.7l-1.1 1.1",
  moon: "M13 9.8A5.6 5.6 0 0 1 6.2 3 5.6 5.6 0 1 0 13 9.8z",
  auto: "M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2zM8 2.2v11.6",
  out: "M6 2.5H3v11h3M7 8h7M11 5l3 3-3 3",
  key: "M10.5 2.5a3 3 0 1 1-2.6 4.5L3 12v2h2v-1.5h1.5V11",
  copy: "M5.5 5.5h8v8h-8zM3 10.5h-.5v-8h8V3",
  refresh: "M13.5 8A5.5 5.5 0 1 1 11.8 4M12 1.5V4.5H9",
  up: "M8 13V3M4 7l4-4 4 4",
  left: "M9.5 3.5 5 8l4.5 4.5",
  info: "M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2zM8 7.2v3.6M8 5h.01",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3 14 14",
  sail: "M8.5 1.5v10M8.5 2C11.5 4 13 7 13 10H8.5M7 4C5 6 4 8 3.5 10H7M2 12.5h12l-1.5 2h-9z",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={paths[name]} />
    </svg>
  );
}
