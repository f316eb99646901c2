import { Code, Text } from "@mantine/core";
import type { DayShownFragment } from "../api/generated";
import { formatInstant } from "../format/dates";
import { words } from "../format/words";
import { Panel } from "../review/Panel";
import { type PlainColumn, PlainTable, SaveButton } from "../table/PlainTable";
import { Hash } from "./Hash";
import classes from "./HistoryPage.module.css";

type Entry = NonNullable<DayShownFragment["records"]>[number];

const COLUMNS: readonly PlainColumn<Entry>[] = [
  { header: "Sequence", value: (entry) => String(entry.seq), cell: (entry) => <b>#{entry.seq}</b>, numeric: true, width: 80 },
  { header: "What", value: (entry) => words(entry.kind), width: 180 },
  { header: "Who", value: (entry) => entry.recordedBy.name, width: 150 },
  { header: "Recorded", value: (entry) => entry.recordedAt, cell: (entry) => <span className="number">{formatInstant(entry.recordedAt)}</span>, width: 170 },
  { header: "Hash", value: (entry) => entry.hash, cell: (entry) => <Hash hash={entry.hash} />, width: 110 },
  { header: "Previous", value: (entry) => entry.previousHash, cell: (entry) => <Hash hash={entry.previousHash} name={entry.seq > 1 ? `#${entry.seq - 1}` : "start"} />, width: 150 },
  { header: "Content", value: (entry) => JSON.stringify(entry.body), cell: (entry) => <Body entry={entry} /> },
];

/** The day's entries in the account's hash chain: each holds the hash of the one before it. */
export function Records({ day }: { day: DayShownFragment }) {
  const records = day.records ?? [];
  const name = `${day.accountId}-${day.businessDate}-records`;
  return (
    <Panel id="record" title="Record" aside={<SaveButton name={name} what="the record" columns={COLUMNS} rows={records} />}>
      <PlainTable
        caption="Entries in the account's record, in the chain's order"
        columns={COLUMNS}
        rows={records}
        keyOf={(entry) => String(entry.seq)}
        empty={day.records === null ? "The record is not for your role." : "Nothing was recorded yet."}
        minWidth={1000}
      />
    </Panel>
  );
}

function Body({ entry }: { entry: Entry }) {
  return (
    <details>
      <summary>
        <Text span size="xs">
          Show
        </Text>
      </summary>
      <Code block fz="xs" className={classes.body} tabIndex={0}>
        {JSON.stringify(entry.body, null, 2)}
      </Code>
    </details>
  );
}
