import { Table } from "@mantine/core";
import { formatCount } from "../format/numbers";
import { words } from "../format/words";
import { Panel } from "../review/Panel";
import { SaveButton } from "../table/PlainTable";
import type { SavedColumn } from "../table/csv";
import type { Run } from "./AtAGlance";
import classes from "./Night.module.css";

interface Line {
  what: string;
  why: string;
  accounts: number;
}

const COLUMNS: readonly SavedColumn<Line>[] = [
  { header: "Outcome", value: (line) => line.what },
  { header: "Why", value: (line) => line.why },
  { header: "Accounts", value: (line) => String(line.accounts) },
];

const PLACES: Record<string, string> = { REVIEW: "In review", BLOCKED: "Blocked", SUSPENDED: "Suspended until the cut-off", TRADE: "In trade" };

/** Every account of the roster exactly once: how it ended, or where it still stands. */
export function Outcomes({ run }: { run: Run }) {
  const lines: Line[] = [
    ...run.outcomeCodes.map((each) => ({ what: words(each.state), why: each.code ? words(each.code) : "", accounts: each.accounts })),
    ...run.openPlaces.map((each) => ({ what: "Open", why: PLACES[each.name] ?? `at ${words(each.name).toLowerCase()}`, accounts: each.accounts })),
    ...(run.withoutDay ? [{ what: "Without a day", why: "", accounts: run.withoutDay }] : []),
  ];
  const total = lines.reduce((all, line) => all + line.accounts, 0);
  return (
    <Panel
      title="Outcomes"
      aside={<SaveButton name={`${run.businessDate}-outcomes`} what="the outcomes" columns={COLUMNS} rows={lines} />}
    >
      <Table verticalSpacing={4} fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Outcome</Table.Th>
            <Table.Th>Why</Table.Th>
            <Table.Th className="number">Accounts</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {lines.map((line) => (
            <Table.Tr key={`${line.what}${line.why}`}>
              <Table.Th fw={line.what === "Open" ? 400 : 600}>{line.what}</Table.Th>
              <Table.Td>{line.why}</Table.Td>
              <Table.Td className="number">{formatCount(line.accounts)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
        <Table.Tfoot className={classes.total}>
          <Table.Tr>
            <Table.Th colSpan={2}>Roster</Table.Th>
            <Table.Td className="number">{formatCount(total)}</Table.Td>
          </Table.Tr>
        </Table.Tfoot>
      </Table>
    </Panel>
  );
}
