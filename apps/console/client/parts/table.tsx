/** A table of rows; on a phone each row is a card (styles/tables.css). */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { ApiError } from "../state/api.ts";
import { Button } from "./button.tsx";
import { Failure, Loading } from "./state.tsx";

export type Column<T> = {
  title: string;
  cell: (row: T) => ComponentChildren;
  /** Right-aligned. */
  number?: boolean;
  class?: string;
  /** The column's name is for screen readers only (a column of buttons). */
  unnamed?: boolean;
};

type TableProps<T> = {
  caption: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  /** Many small numbers: two in a line on a phone. */
  dense?: boolean;
};

export function Table<T>({ caption, columns, rows, keyOf, dense }: TableProps<T>) {
  const classOf = (one: Column<T>) =>
    [one.number ? "number" : "", one.class ?? ""].join(" ").trim() || undefined;
  return (
    <div class="table-frame">
      <table class="table" data-dense={dense || undefined}>
        <caption class="hidden-text">{caption}</caption>
        <thead>
          <tr>
            {columns.map(one => (
              <th key={one.title} scope="col" class={one.number ? "number" : undefined}>
                {one.unnamed ? <span class="hidden-text">{one.title}</span> : one.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <tr key={keyOf(row)}>
              {columns.map(one => (
                <td key={one.title} data-label={one.unnamed ? "" : one.title} class={classOf(one)}>
                  {one.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

type ListingLike<T> = {
  data: unknown;
  items: T[];
  error: ApiError | null;
  hasMore: boolean;
  reload(): void;
  more(): Promise<void>;
};

type ListTableProps<T> = Omit<TableProps<T>, "rows"> & { listing: ListingLike<T>; empty: ComponentChildren };

/** A list that is read page by page, with its states. */
export function ListTable<T>({ listing, empty, ...table }: ListTableProps<T>) {
  if (listing.data === undefined) {
    return listing.error ? <Failure error={listing.error} retry={listing.reload} /> : <Loading />;
  }
  if (listing.items.length === 0) return <>{empty}</>;
  return (
    <>
      <Table {...table} rows={listing.items} />
      <More listing={listing} />
    </>
  );
}

export function More({ listing }: { listing: { hasMore: boolean; more(): Promise<void> } }) {
  const [error, setError] = useState<string | null>(null);
  if (!listing.hasMore) return null;
  const more = () =>
    listing.more().then(
      () => setError(null),
      failed => setError((failed as Error).message),
    );
  return (
    <div class="table-foot">
      <Button onPress={more}>Show more</Button>
      {error && (
        <span class="fault" role="alert">
          {error}
        </span>
      )}
    </div>
  );
}
