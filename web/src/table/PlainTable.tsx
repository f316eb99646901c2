import { Button, Table, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { type SavedColumn, save, toCsv } from "./csv";
import classes from "./PlainTable.module.css";

/** `cell` is what is shown; without one the saved value is. */
export interface PlainColumn<T> extends SavedColumn<T> {
  cell?: (row: T) => ReactNode;
  numeric?: boolean;
  width?: number | string;
}

interface Props<T> {
  /** What the table holds, for those who cannot see it. */
  caption: string;
  columns: readonly PlainColumn<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  empty: string;
  minWidth?: number;
  /** Columns as wide as they say, the others share the rest. */
  fixed?: boolean;
  dense?: boolean;
}

/** A short table with all of its rows in the page; SaveButton saves the same columns and rows. */
export function PlainTable<T>({ caption, columns, rows, keyOf, empty, minWidth = 720, fixed = false, dense = false }: Props<T>) {
  if (rows.length === 0) return <Text size="sm">{empty}</Text>;
  return (
    <div className={classes.scroller} tabIndex={0} role="region" aria-label={caption}>
      <Table
        verticalSpacing={dense ? 2 : 5}
        horizontalSpacing="xs"
        fz={dense ? "xs" : "sm"}
        miw={minWidth}
        layout={fixed ? "fixed" : "auto"}
        className={classes.table}
      >
        <Table.Caption className="visually-hidden">{caption}</Table.Caption>
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => (
              <Table.Th key={column.header} w={column.width} className={column.numeric ? "number" : undefined}>
                {column.header}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={keyOf(row)}>
              {columns.map((column) => (
                <Table.Td key={column.header} className={column.numeric ? "number" : undefined}>
                  {column.cell ? column.cell(row) : column.value(row)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

/** Saves exactly the rows and columns that are shown, figures unrounded. */
export function SaveButton<T>(props: { name: string; what: string; columns: readonly SavedColumn<T>[]; rows: readonly T[] }) {
  const { name, what, columns, rows } = props;
  return (
    <Button
      size="compact-xs"
      variant="default"
      disabled={rows.length === 0}
      aria-label={`Save ${what} as CSV`}
      onClick={() => save(`${name}.csv`, toCsv(columns, rows))}
    >
      CSV
    </Button>
  );
}
