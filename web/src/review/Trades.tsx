import { Table, Text } from "@mantine/core";
import { Fragment, type ReactNode } from "react";
import { formatDate } from "../format/dates";
import { formatCount, formatGain, formatMoney, formatPrice, formatQuantity, NOTHING } from "../format/numbers";
import { inLocale } from "../format/sentences";
import { words } from "../format/words";
import { Tag } from "../frame/Tag";
import { className } from "./Drift";
import { Panel } from "./Panel";
import classes from "./Trades.module.css";
import type { ReviewDay } from "./useReview";

type Trade = NonNullable<ReviewDay["proposal"]>["trades"][number];
type LotSale = Trade["lotSales"][number];

/** Every trade with its lots and its reason; sales first, the largest of each first. */
export function Trades({ day, aside }: { day: Pick<ReviewDay, "proposal" | "snapshot">; aside?: ReactNode }) {
  const trades = [...(day.proposal?.trades ?? [])].sort(
    (a, b) => b.side.localeCompare(a.side) || Number(b.notional) - Number(a.notional),
  );
  const acquired = new Map(day.snapshot?.lots.map((lot) => [lot.lotId, lot.acquiredOn]));
  return (
    <Panel title={`Proposed trades (${formatCount(trades.length)})`} aside={aside ?? (day.proposal && <Text size="sm">{formatMoney(day.proposal.tradedValue)} in all</Text>)}>
      {trades.length === 0 ? (
        <Text size="sm">Nothing is to be traded.</Text>
      ) : (
        <Table.ScrollContainer minWidth={860} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
          <Table verticalSpacing={4} fz="sm" className={classes.trades}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th w={72}>Side</Table.Th>
                <Table.Th w={280}>Security or lot</Table.Th>
                <Table.Th className="number">Quantity</Table.Th>
                <Table.Th className="number">Price</Table.Th>
                <Table.Th className="number">Value</Table.Th>
                <Table.Th className="number">Basis</Table.Th>
                <Table.Th className="number">Gain</Table.Th>
                <Table.Th>Reason</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {trades.map((trade) => (
                <Fragment key={`${trade.side}${trade.securityId}`}>
                  <TradeRow trade={trade} />
                  {trade.lotSales.map((lot) => (
                    <LotRow key={lot.lotId} lot={lot} acquiredOn={acquired.get(lot.lotId)} />
                  ))}
                </Fragment>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Panel>
  );
}

function TradeRow({ trade }: { trade: Trade }) {
  const { security } = trade;
  return (
    <Table.Tr>
      <Table.Td>
        <Tag>{words(trade.side)}</Tag>
      </Table.Td>
      <Table.Td>
        <b>{security?.symbol ?? trade.securityId}</b>{" "}
        <Text span size="xs">
          {security?.name}
          {security?.assetClass && ` · ${className(security.assetClass)}`}
        </Text>
      </Table.Td>
      <Table.Td className="number">{formatQuantity(trade.quantity)}</Table.Td>
      <Table.Td className="number">{formatPrice(trade.price)}</Table.Td>
      <Table.Td className="number">{formatMoney(trade.notional)}</Table.Td>
      <Table.Td />
      <Table.Td />
      <Table.Td className={classes.reason}>{inLocale(trade.reasons.map((reason) => reason.sentence).join(" ")) || NOTHING}</Table.Td>
    </Table.Tr>
  );
}

function LotRow({ lot, acquiredOn }: { lot: LotSale; acquiredOn: string | undefined }) {
  return (
    <Table.Tr className={classes.lot}>
      <Table.Td />
      <Table.Td>
        Lot {lot.lotId}
        {acquiredOn && ` of ${formatDate(acquiredOn)}`}
      </Table.Td>
      <Table.Td className="number">{formatQuantity(lot.quantity)}</Table.Td>
      <Table.Td />
      <Table.Td className="number">{formatMoney(lot.proceeds)}</Table.Td>
      <Table.Td className="number">{formatMoney(lot.basis)}</Table.Td>
      <Table.Td className="number">{formatGain(lot.gain)}</Table.Td>
      <Table.Td>{words(lot.term)}</Table.Td>
    </Table.Tr>
  );
}
