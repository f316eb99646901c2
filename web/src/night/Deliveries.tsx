import { Text } from "@mantine/core";
import { formatInstant, formatMoment } from "../format/dates";
import { formatCount, NOTHING } from "../format/numbers";
import { words } from "../format/words";
import { Tag, type Tone } from "../frame/Tag";
import { Hash } from "../history/Hash";
import { Panel } from "../review/Panel";
import { type PlainColumn, PlainTable, SaveButton } from "../table/PlainTable";
import type { Run } from "./AtAGlance";
import classes from "./Night.module.css";

type Feed = Run["feeds"][number];

const TONES: Record<string, Tone> = { QUARANTINED: "bad", MISSING: "bad", LOADED: "good", WAIVED: "warning", LATE: "warning", URGENT: "bad" };

/** Of a file that has not come: how overdue it is. */
const stateOf = (feed: Feed): string => (feed.status === "EXPECTED" ? (feed.awaited?.standing ?? feed.status) : feed.status);

const told = (feed: Feed): string => {
  const codes = feed.reasonCodes.map(words).join(", ");
  return [[codes, feed.message].filter(Boolean).join(": "), ...feed.notes, ...waitingFor(feed)].filter(Boolean).join("; ");
};

/** What stands still until a usable file comes. */
function waitingFor(feed: Feed): string[] {
  if (!feed.waiting) return [];
  const accounts = feed.accountsWaiting > 0 && `${formatCount(feed.accountsWaiting)} ${feed.accountsWaiting === 1 ? "account waits" : "accounts wait"}`;
  const arriving = feed.awaited?.arriving && "it lies there without its done-marker";
  return [`missing: ${feed.waits}`, accounts, arriving, feed.awaited?.lastError].filter((each) => typeof each === "string" && each !== "") as string[];
}

const COLUMNS: readonly PlainColumn<Feed>[] = [
  { header: "File", value: (feed) => words(feed.kind), cell: (feed) => <b>{words(feed.kind)}</b> },
  {
    header: "State",
    value: (feed) => words(stateOf(feed)),
    cell: (feed) => <Tag tone={TONES[stateOf(feed)]}>{words(stateOf(feed))}</Tag>,
  },
  {
    header: "Due",
    value: (feed) => feed.awaited?.dueAt ?? "",
    cell: (feed) => (feed.awaited ? <span className="number">{formatMoment(feed.awaited.dueAt)}</span> : NOTHING),
  },
  {
    header: "Received",
    value: (feed) => feed.receivedAt ?? "",
    cell: (feed) => (feed.receivedAt ? <span className="number">{formatInstant(feed.receivedAt)}</span> : NOTHING),
  },
  { header: "Rows", value: (feed) => (feed.rows == null ? "" : String(feed.rows)), cell: (feed) => (feed.rows == null ? NOTHING : formatCount(feed.rows)), numeric: true },
  {
    header: "Quarantined",
    value: (feed) => String(feed.quarantinedRows),
    cell: (feed) => (feed.quarantinedRows > 0 ? `▲ ${formatCount(feed.quarantinedRows)}` : NOTHING),
    numeric: true,
  },
  { header: "What is the matter", value: told, cell: (feed) => <Text size="xs" className={classes.wrap}>{told(feed)}</Text> },
  {
    header: "Name",
    value: (feed) => feed.fileName ?? "",
    cell: (feed) => (
      <Text size="xs">
        {feed.fileName ?? NOTHING}
        {feed.deliveries > 1 && ` (the last of ${feed.deliveries})`}
      </Text>
    ),
  },
  { header: "Content", value: (feed) => feed.contentHash ?? "", cell: (feed) => (feed.contentHash ? <Hash hash={feed.contentHash} /> : NOTHING) },
];

/** Each kind of file that the day needs: whether it came, and what became of it. */
export function Deliveries({ run }: { run: Run }) {
  return (
    <Panel
      id="deliveries"
      title="Deliveries"
      aside={<SaveButton name={`${run.businessDate}-deliveries`} what="the deliveries" columns={COLUMNS} rows={run.feeds} />}
    >
      <PlainTable caption="Deliveries, in the order of loading" columns={COLUMNS} rows={run.feeds} keyOf={(feed) => feed.kind} empty="The day needs no file." minWidth={1040} />
    </Panel>
  );
}
