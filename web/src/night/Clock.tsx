import { formatInstant } from "../format/dates";
import { words } from "../format/words";
import { Panel } from "../review/Panel";
import { type PlainColumn, PlainTable } from "../table/PlainTable";
import type { Run } from "./AtAGlance";

type Tick = Run["marketEvents"][number];

const COLUMNS: readonly PlainColumn<Tick>[] = [
  { header: "Event", value: (tick) => words(tick.kind), cell: (tick) => <b>{words(tick.kind)}</b> },
  { header: "In business time", value: (tick) => tick.at, cell: (tick) => <span className="number">{formatInstant(tick.at)}</span> },
  {
    header: "Passed",
    value: (tick) => tick.publishedAt ?? "",
    cell: (tick) => <span className="number">{tick.publishedAt ? `✓ ${formatInstant(tick.publishedAt)}` : "not yet"}</span>,
  },
];

/** The business clock: which of the day's events have come. */
export function Clock({ run }: { run: Run }) {
  return (
    <Panel title="The business clock">
      <PlainTable caption="Events of the business clock" columns={COLUMNS} rows={run.marketEvents} keyOf={(tick) => tick.id} empty="The day is no session." minWidth={420} />
    </Panel>
  );
}
