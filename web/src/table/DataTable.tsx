import {
  type ColumnDef,
  rowSortingFeature,
  type RowData,
  type SortingState,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useRef } from "react";
import classes from "./DataTable.module.css";

export const features = tableFeatures({ rowSortingFeature });

/** Column `meta`: how wide (any CSS length of a fixed table), and whether it holds figures. */
export interface ColumnMeta {
  width?: string;
  numeric?: boolean;
}

export type Column<T extends RowData> = ColumnDef<typeof features, T, unknown>;

interface Props<T extends RowData> {
  /** What the table holds, for those who cannot see it. */
  caption: string;
  columns: Column<T>[];
  rows: T[];
  idOf: (row: T) => string;
  labelOf: (row: T) => string;
  sorting: SortingState;
  onSorting?: (sorting: SortingState) => void;
  selected?: ReadonlySet<string>;
  onSelected?: (selected: Set<string>) => void;
  /** The row that keys act on; it is scrolled to and its first link focused when it changes. */
  activeId?: string | null;
  onActive?: (id: string) => void;
  /** Called when the last rows come into sight. */
  onEnd?: () => void;
  rowHeight?: number;
  height: string;
  /** Other rows are on their way. */
  busy?: boolean;
  empty?: ReactNode;
}

/** A table of any length, whose rows come in order: only the rows in sight are in the page. */
export function DataTable<T extends RowData>(props: Props<T>) {
  const { caption, columns, rows, idOf, sorting, onSorting, selected, onSelected, activeId, rowHeight = 44 } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const table = useTable({
    features,
    columns,
    data: rows,
    getRowId: idOf,
    state: { sorting },
    manualSorting: true, // the rows come in order
    enableSortingRemoval: false,
    onSortingChange: (change) => onSorting?.(typeof change === "function" ? change(sorting) : change),
  });
  const shown = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 8,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const { onEnd } = props;
  useEffect(() => {
    if (onEnd && shown.length > 0 && last >= shown.length - 15) onEnd();
  }, [onEnd, last, shown.length]);
  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  useActiveRow(scroller, activeId, (id) => {
    const index = shown.findIndex((row) => row.id === id);
    if (index >= 0) virtual.scrollToIndex(index);
  });
  const width = columns.length + (selected ? 1 : 0);
  return (
    <div ref={scroller} className={classes.scroller} style={{ height: props.height }} tabIndex={0} role="region" aria-label={caption} aria-busy={props.busy ?? false}>
      <table className={classes.table} style={{ minWidth: `${minWidthOf(columns)}px` }} aria-rowcount={shown.length + 1}>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id} aria-rowindex={1}>
              {selected && onSelected && (
                <th style={{ width: "40px" }}>
                  <SelectAll ids={shown.map((row) => row.id)} selected={selected} onSelected={onSelected} />
                </th>
              )}
              {group.headers.map((header) => {
                const meta = header.column.columnDef.meta as ColumnMeta | undefined;
                const direction = header.column.getIsSorted();
                const sorts = onSorting !== undefined && header.column.getCanSort();
                return (
                  <th
                    key={header.id}
                    scope="col"
                    style={{ width: meta?.width }}
                    className={meta?.numeric ? classes.numeric : undefined}
                    aria-sort={direction ? (direction === "desc" ? "descending" : "ascending") : undefined}
                  >
                    {sorts ? (
                      <button type="button" className={classes.sort} onClick={header.column.getToggleSortingHandler()}>
                        <table.FlexRender header={header} />
                        <span aria-hidden>{direction ? (direction === "desc" ? " ↓" : " ↑") : ""}</span>
                      </button>
                    ) : (
                      <table.FlexRender header={header} />
                    )}
                  </th>
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {above > 0 && <Spacer height={above} columns={width} />}
          {items.map((item) => {
            const row = shown[item.index];
            if (row === undefined) return null;
            return (
              <tr
                key={row.id}
                aria-rowindex={item.index + 2}
                data-row={row.id}
                data-active={row.id === activeId || undefined}
                aria-selected={selected ? selected.has(row.id) : undefined}
                style={{ height: rowHeight }}
                onClick={() => props.onActive?.(row.id)}
              >
                {selected && onSelected && (
                  <td>
                    <input
                      type="checkbox"
                      className={classes.check}
                      aria-label={`Select ${props.labelOf(row.original)}`}
                      checked={selected.has(row.id)}
                      onChange={() => onSelected(toggled(selected, row.id))}
                      onClick={(event) => event.stopPropagation()}
                    />
                  </td>
                )}
                {row.getAllCells().map((cell) => {
                  const meta = cell.column.columnDef.meta as ColumnMeta | undefined;
                  return (
                    <td key={cell.id} className={meta?.numeric ? `${classes.numeric} number` : undefined}>
                      <table.FlexRender cell={cell} />
                    </td>
                  );
                })}
              </tr>
            );
          })}
          {below > 0 && <Spacer height={below} columns={width} />}
        </tbody>
      </table>
      {shown.length === 0 && props.empty}
    </div>
  );
}

const CHECKBOX_PIXELS = 40;
const UNNAMED_PIXELS = 220;

/** Below it the table is scrolled sideways: a column without a width of its own keeps room for its text. */
function minWidthOf<T extends RowData>(columns: Column<T>[]): number {
  const widths = columns.map(({ meta }) => Number.parseInt((meta as ColumnMeta | undefined)?.width ?? "", 10) || UNNAMED_PIXELS);
  return widths.reduce((all, width) => all + width, CHECKBOX_PIXELS);
}

function Spacer({ height, columns }: { height: number; columns: number }) {
  return (
    <tr aria-hidden style={{ height }} className={classes.spacer}>
      <td colSpan={columns} />
    </tr>
  );
}

function SelectAll(props: { ids: string[]; selected: ReadonlySet<string>; onSelected: (selected: Set<string>) => void }) {
  const { ids, selected, onSelected } = props;
  const all = ids.length > 0 && ids.every((id) => selected.has(id));
  return (
    <input
      type="checkbox"
      className={classes.check}
      aria-label="Select all that are shown"
      checked={all}
      ref={(element) => {
        if (element) element.indeterminate = !all && selected.size > 0;
      }}
      onChange={() => onSelected(all ? new Set() : new Set(ids))}
    />
  );
}

export function toggled(selected: ReadonlySet<string>, id: string): Set<string> {
  const next = new Set(selected);
  if (!next.delete(id)) next.add(id);
  return next;
}

/** Brings the active row into sight and the focus to its link, so that Enter opens it and a reader hears it. */
function useActiveRow(
  scroller: React.RefObject<HTMLDivElement | null>,
  activeId: string | null | undefined,
  scrollTo: (id: string) => void,
): void {
  const latest = useRef(scrollTo);
  useEffect(() => {
    latest.current = scrollTo;
  });
  useEffect(() => {
    if (!activeId) return undefined;
    latest.current(activeId);
    const frame = requestAnimationFrame(() => {
      const row = scroller.current?.querySelector(`[data-row="${CSS.escape(activeId)}"]`);
      if (row && !row.contains(document.activeElement)) {
        row.querySelector<HTMLElement>("a[href]")?.focus({ preventScroll: true });
      }
    });
    return () => cancelAnimationFrame(frame);
  }, [activeId, scroller]);
}
