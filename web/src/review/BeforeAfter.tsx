import { Table, Text } from "@mantine/core";
import { formatBps, formatGain, formatMoney, formatPercent, formatRatio } from "../format/numbers";
import { words } from "../format/words";
import { Facts } from "./Facts";
import { Panel } from "./Panel";
import type { ReviewDay } from "./useReview";

type Proposal = NonNullable<ReviewDay["proposal"]>;
type Measures = Proposal["before"];

const ROWS: readonly (readonly [string, (of: Measures) => string])[] = [
  ["Value", (of) => formatMoney(of.accountValue)],
  ["Cash", (of) => formatMoney(of.cash)],
  ["Largest drift", (of) => formatPercent(of.maxDrift)],
  ["Tracking error", (of) => formatPercent(of.trackingError)],
  ["Active share", (of) => formatPercent(of.activeShare)],
];

/** The account before and after the trades, what they cost, and how near they are to the best possible. */
export function BeforeAfter({ day }: { day: Pick<ReviewDay, "proposal"> }) {
  const { proposal } = day;
  if (!proposal) {
    return (
      <Panel title="Before and after">
        <Text size="sm">There is no proposal.</Text>
      </Panel>
    );
  }
  return (
    <Panel title="Before and after">
      <Table verticalSpacing={2} horizontalSpacing={4} withRowBorders={false} fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>
              <span className="visually-hidden">Measure</span>
            </Table.Th>
            <Table.Th className="number">Before</Table.Th>
            <Table.Th className="number">After</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {ROWS.map(([name, figure]) => (
            <Table.Tr key={name}>
              <Table.Th fw={400}>{name}</Table.Th>
              <Table.Td className="number">{figure(proposal.before)}</Table.Td>
              <Table.Td className="number">{figure(proposal.after)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Facts
        facts={[
          ["Short-term gain", formatGain(proposal.shortTermGain)],
          ["Long-term gain", formatGain(proposal.longTermGain)],
          [proposal.tax.startsWith("-") ? "Tax saved" : "Tax", formatMoney(proposal.tax.replace(/^-/, ""))],
          ["Cost", formatMoney(proposal.cost)],
          ["Turnover", formatPercent(proposal.turnover)],
          ["Benefit", formatBps(proposal.benefitBps)],
          ["Certified gap to the best", `${formatRatio(proposal.gapBps)} bp`],
          ["Score", formatRatio(proposal.score)],
          ["Outcome", proposal.outcome === "OPTIMAL" ? null : words(proposal.outcome)],
        ]}
      />
    </Panel>
  );
}
