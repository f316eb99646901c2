import { Text } from "@mantine/core";
import type { DayShownFragment, IntentShownFragment } from "../api/generated";
import { formatInstant } from "../format/dates";
import { formatMoney, formatPrice, formatQuantity, NOTHING, sumOf } from "../format/numbers";
import { words } from "../format/words";
import { Panel } from "../review/Panel";
import { type PlainColumn, PlainTable, SaveButton } from "../table/PlainTable";

type Leg = IntentShownFragment;
type Execution = NonNullable<Leg["block"]>["executions"][number] & { orderId: string; symbol: string };

const sum = (leg: Leg, of: (part: Leg["allocations"][number]) => string): string => sumOf(leg.allocations.map(of));
const symbolOf = (leg: Leg): string => leg.security?.symbol ?? leg.securityId;
const figure = (header: string, value: (leg: Leg) => string | null | undefined, format: (text: string) => string): PlainColumn<Leg> => ({
  header,
  value: (leg) => value(leg) ?? "",
  cell: (leg) => {
    const text = value(leg);
    return text ? format(text) : NOTHING;
  },
  numeric: true,
});

const COLUMNS: readonly PlainColumn<Leg>[] = [
  { header: "Side", value: (leg) => words(leg.side), width: 60 },
  {
    header: "Security",
    value: symbolOf,
    cell: (leg) => (
      <>
        <b>{symbolOf(leg)}</b>{" "}
        <Text span size="xs">
          {leg.security?.name}
        </Text>
      </>
    ),
  },
  figure("Intended", (leg) => leg.quantity, formatQuantity),
  figure("Filled", (leg) => leg.filledQuantity, formatQuantity),
  figure("Reference price", (leg) => leg.referencePrice, formatPrice),
  figure("Average price", (leg) => leg.allocations[0]?.price ?? leg.block?.averagePrice, formatPrice),
  figure("Value", (leg) => (leg.allocations.length > 0 ? sum(leg, (part) => part.notional) : null), formatMoney),
  figure("Commission", (leg) => (leg.allocations.length > 0 ? sum(leg, (part) => part.commission) : null), formatPrice),
  { header: "State", value: (leg) => words(leg.status) },
  {
    header: "Order",
    value: (leg) => leg.block?.clientOrderId ?? "",
    cell: (leg) =>
      leg.block ? (
        <Text size="xs">
          {leg.block.clientOrderId} at {leg.block.broker}, {words(leg.block.status).toLowerCase()}
          {leg.block.brokerText && `: ${leg.block.brokerText}`}
        </Text>
      ) : (
        "not released"
      ),
  },
];

const EXECUTIONS: readonly PlainColumn<Execution>[] = [
  { header: "Order", value: (one) => one.orderId },
  { header: "Security", value: (one) => one.symbol },
  { header: "Execution", value: (one) => one.execId },
  { header: "Quantity", value: (one) => one.quantity, cell: (one) => formatQuantity(one.quantity), numeric: true },
  { header: "Price", value: (one) => one.price, cell: (one) => formatPrice(one.price), numeric: true },
  { header: "When", value: (one) => one.recordedAt, cell: (one) => formatInstant(one.recordedAt) },
];

function executionsOf(legs: readonly Leg[]): Execution[] {
  return legs.flatMap((leg) =>
    (leg.block?.executions ?? []).map((one) => ({ ...one, orderId: leg.block?.clientOrderId ?? "", symbol: symbolOf(leg) })),
  );
}

/** What the account committed to trade, the block that each leg went into, and what the broker executed of it. */
export function Orders({ day }: { day: DayShownFragment }) {
  const name = `${day.accountId}-${day.businessDate}`;
  const executions = executionsOf(day.intents);
  return (
    <>
      <Panel id="orders" title="Orders" aside={<SaveButton name={`${name}-orders`} what="the orders" columns={COLUMNS} rows={day.intents} />}>
        <PlainTable caption="Orders, by leg" columns={COLUMNS} rows={day.intents} keyOf={(leg) => leg.id} empty="Nothing was ordered." minWidth={1040} />
      </Panel>
      {executions.length > 0 && (
        <Panel
          title="Executions of whole blocks"
          aside={<SaveButton name={`${name}-executions`} what="the executions" columns={EXECUTIONS} rows={executions} />}
        >
          <PlainTable
            caption="Executions of the blocks that the account was part of"
            columns={EXECUTIONS}
            rows={executions}
            keyOf={(one) => `${one.orderId}${one.execId}`}
            empty=""
          />
        </Panel>
      )}
    </>
  );
}
