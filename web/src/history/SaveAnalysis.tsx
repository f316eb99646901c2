import type { DayShownFragment } from "../api/generated";
import { words } from "../format/words";
import { SaveButton } from "../table/PlainTable";
import type { SavedColumn } from "../table/csv";

type Proposal = NonNullable<DayShownFragment["proposal"]>;
type Trade = Proposal["trades"][number];
type WhyNot = Proposal["whyNots"][number];
/** A trade, or one lot of a sale. */
interface Line {
  trade: Trade;
  lot: Trade["lotSales"][number] | null;
}

const LINES: readonly SavedColumn<Line>[] = [
  { header: "Side", value: ({ trade }) => words(trade.side) },
  { header: "Security", value: ({ trade }) => trade.security?.symbol ?? trade.securityId },
  { header: "Lot", value: ({ lot }) => lot?.lotId ?? "" },
  { header: "Quantity", value: ({ trade, lot }) => (lot ?? trade).quantity },
  { header: "Price", value: ({ trade, lot }) => (lot ? "" : trade.price) },
  { header: "Value", value: ({ trade, lot }) => lot?.proceeds ?? trade.notional },
  { header: "Basis", value: ({ lot }) => lot?.basis ?? "" },
  { header: "Gain", value: ({ lot }) => lot?.gain ?? "" },
  { header: "Term", value: ({ lot }) => (lot ? words(lot.term) : "") },
  { header: "Reason", value: ({ trade, lot }) => (lot ? "" : trade.reasons.map((each) => each.sentence).join(" ")) },
];

const WHY_NOTS: readonly SavedColumn<WhyNot>[] = [
  { header: "Security", value: (each) => each.security?.symbol ?? each.securityId },
  { header: "Why not", value: (each) => words(each.code) },
  { header: "Sentence", value: (each) => each.sentence },
];

export function SaveTrades({ day }: { day: DayShownFragment }) {
  const lines = (day.proposal?.trades ?? []).flatMap((trade): Line[] => [{ trade, lot: null }, ...trade.lotSales.map((lot) => ({ trade, lot }))]);
  return <SaveButton name={`${day.accountId}-${day.businessDate}-trades`} what="the proposed trades" columns={LINES} rows={lines} />;
}

export function SaveWhyNots({ day }: { day: DayShownFragment }) {
  const rows = day.proposal?.whyNots ?? [];
  return <SaveButton name={`${day.accountId}-${day.businessDate}-why-not`} what="what was not proposed" columns={WHY_NOTS} rows={rows} />;
}
