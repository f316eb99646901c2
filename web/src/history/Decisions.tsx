import { Text } from "@mantine/core";
import type { DayShownFragment } from "../api/generated";
import { formatInstant } from "../format/dates";
import { NOTHING } from "../format/numbers";
import { words } from "../format/words";
import { roleName } from "../frame/viewer";
import { Panel } from "../review/Panel";
import { type PlainColumn, PlainTable, SaveButton } from "../table/PlainTable";
import { Hash } from "./Hash";
import classes from "./HistoryPage.module.css";

type Decision = DayShownFragment["decisions"][number];

/** The firm's policy approves under its filters' version: policy:1a2b3c. */
function actorName(decision: Decision): string {
  return decision.actor.name.startsWith("policy:") ? "The firm's policy" : decision.actor.name;
}

function expiry(decision: Decision): string | null {
  const envelope = decision.envelope as { expires_at?: string } | null | undefined;
  return envelope?.expires_at ?? null;
}

const COLUMNS: readonly PlainColumn<Decision>[] = [
  { header: "When", value: (one) => one.decidedAt, cell: (one) => <span className="number">{formatInstant(one.decidedAt)}</span>, width: 170 },
  {
    header: "Who",
    value: actorName,
    cell: (one) => (
      <>
        <b>{actorName(one)}</b>
        <Text size="xs">{one.actorRoles.map(roleName).join(", ") || one.actor.id}</Text>
      </>
    ),
  },
  { header: "On behalf of", value: (one) => one.onBehalfOf?.name ?? "", cell: (one) => one.onBehalfOf?.name ?? NOTHING },
  { header: "Decision", value: (one) => words(one.kind) },
  { header: "Counts", value: (one) => (one.status === "ACCEPTED" ? "Yes" : `No: ${words(one.refusal ?? "refused")}`) },
  { header: "Reason", value: (one) => one.reason, cell: (one) => <div className={classes.wrap}>{one.reason || NOTHING}</div> },
  {
    header: "Proposal",
    value: (one) => one.proposalHash ?? "",
    cell: (one) => (one.proposalHash ? <Hash hash={one.proposalHash} /> : NOTHING),
  },
  { header: "Held until", value: (one) => expiry(one) ?? "", cell: (one) => <Expiry at={expiry(one)} /> },
];

function Expiry({ at }: { at: string | null }) {
  return <>{at ? formatInstant(at) : NOTHING}</>;
}

/** Who decided what, when and for whom; decisions that did not count are here too. */
export function Decisions({ day }: { day: DayShownFragment }) {
  const name = `${day.accountId}-${day.businessDate}-decisions`;
  return (
    <Panel id="decisions" title="Decisions" aside={<SaveButton name={name} what="the decisions" columns={COLUMNS} rows={day.decisions} />}>
      <PlainTable
        caption="Decisions, oldest first"
        columns={COLUMNS}
        rows={day.decisions}
        keyOf={(one) => one.id}
        empty="Nobody decided anything."
        minWidth={900}
      />
    </Panel>
  );
}
