import { Link } from "react-router";
import type { QueueRowFragment } from "../api/generated";
import { formatAge, formatInstant, formatTime } from "../format/dates";
import { formatBps, formatCount, formatGain, formatMoney, formatPercent, NOTHING } from "../format/numbers";
import { inLocale } from "../format/sentences";
import { laneName, longReason, shortReason } from "../format/words";
import type { Column } from "../table/DataTable";
import classes from "./columns.module.css";

export function pathOf(accountDayId: string, params: URLSearchParams): string {
  const query = params.toString();
  return `/review/${encodeURIComponent(accountDayId)}${query ? `?${query}` : ""}`;
}

type Row = QueueRowFragment;

const figure = (id: string, header: string, width: string, text: (row: Row) => string | null | undefined, sorts = true): Column<Row> => ({
  id,
  header,
  enableSorting: sorts,
  accessorFn: (row: Row) => text(row) ?? NOTHING,
  meta: { numeric: true, width },
});

/** The queue's columns; ids are those of the API's orders where one can sort by them. */
export function columnsAt(now: number, params: URLSearchParams): Column<Row>[] {
  return [
    {
      id: "account",
      header: "Account",
      accessorFn: (row: Row) => row.accountId,
      cell: ({ row }) => <AccountCell row={row.original} params={params} />,
      meta: { width: "124px" },
    },
    { id: "lane", header: "Lane", enableSorting: false, accessorFn: (row: Row) => row.lane, cell: ({ row }) => <LaneCell row={row.original} />, meta: { width: "148px" } },
    {
      id: "why",
      header: "Why it is here",
      enableSorting: false,
      accessorFn: (row: Row) => row.filtering?.reason ?? "",
      cell: ({ row }) => <WhyCell reason={row.original.filtering?.reason ?? ""} />,
    },
    { id: "advisor", header: "Advisor", enableSorting: false, accessorFn: (row: Row) => row.account?.advisorId ?? NOTHING, meta: { width: "84px" } },
    figure("value", "Value", "112px", (row) => row.proposal && formatMoney(row.proposal.before.accountValue)),
    figure("drift", "Drift", "76px", (row) => row.proposal && formatPercent(row.proposal.before.maxDrift)),
    figure("trades", "Trades", "66px", (row) => row.proposal && formatCount(row.proposal.tradeCount), false),
    figure("traded", "Traded", "100px", (row) => row.proposal && formatMoney(row.proposal.tradedValue)),
    figure("tax", "Tax", "92px", (row) => row.proposal && formatGain(row.proposal.tax)),
    figure("benefit", "Benefit", "84px", (row) => row.proposal && formatBps(row.proposal.benefitBps)),
    {
      id: "waiting",
      header: "Waits since",
      accessorFn: (row: Row) => row.waitingSince ?? "",
      cell: ({ row }) => <Age at={row.original.waitingSince} now={now} />,
      meta: { width: "104px", numeric: true },
    },
    {
      id: "deadline",
      header: "Decide by",
      enableSorting: false,
      accessorFn: (row: Row) => row.deadline ?? "",
      cell: ({ row }) => (row.original.deadline ? <span title={formatInstant(row.original.deadline)}>{formatTime(row.original.deadline)}</span> : NOTHING),
      meta: { width: "84px", numeric: true },
    },
  ];
}

// Plain elements: a page of rows is drawn within one frame while somebody scrolls.

function AccountCell({ row, params }: { row: Row; params: URLSearchParams }) {
  const { account } = row;
  return (
    <>
      <Link to={pathOf(row.id, params)} className={classes.account}>
        {row.accountId}
      </Link>
      <div className={classes.small}>{account ? [account.householdId, account.programme].filter(Boolean).join(" · ") : NOTHING}</div>
    </>
  );
}

function WhyCell({ reason }: { reason: string }) {
  return (
    <div className={classes.why} title={inLocale(longReason(reason))}>
      {inLocale(shortReason(reason))}
    </div>
  );
}

function LaneCell({ row }: { row: Row }) {
  const { approvalTerms: terms, account } = row;
  const second = terms && terms.approvalsNeeded > 1;
  const note = second ? `${terms.approvalsGiven} of ${terms.approvalsNeeded} approvals` : account?.discretionary === false ? "needs consent" : null;
  return (
    <>
      {laneName(row.lane)}
      {note && <div className={classes.small}>{note}</div>}
    </>
  );
}

function Age({ at, now }: { at: string | null | undefined; now: number }) {
  return at ? (
    <time dateTime={at} title={formatInstant(at)}>
      {formatAge(at, now)}
    </time>
  ) : (
    NOTHING
  );
}
