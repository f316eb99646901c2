import { SimpleGrid, Table, Text } from "@mantine/core";
import { lazy, Suspense } from "react";
import { formatPercent, formatSignedPercent } from "../format/numbers";
import { words } from "../format/words";
import { Waiting } from "../frame/Waiting";
import { Panel } from "./Panel";
import type { ReviewDay } from "./useReview";

const DriftChart = lazy(() => import("./DriftChart"));

export type ClassWeight = NonNullable<ReviewDay["classWeights"]>[number];

/** Drift by asset class, as a picture and as the figures that it is made of. */
export function Drift({ classes }: { classes: readonly ClassWeight[] }) {
  return (
    <Panel title="Drift by asset class">
      {classes.length === 0 ? (
        <Text size="sm">There is nothing to compare.</Text>
      ) : (
        <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
          <Suspense fallback={<Waiting label="Drawing" />}>
            <DriftChart classes={classes} />
          </Suspense>
          <Table.ScrollContainer minWidth={500} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
          <Table verticalSpacing={3} fz="sm">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Class</Table.Th>
                <Table.Th className="number">Target</Table.Th>
                <Table.Th className="number">Before</Table.Th>
                <Table.Th className="number">After</Table.Th>
                <Table.Th className="number">Drift before</Table.Th>
                <Table.Th className="number">Drift after</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {classes.map((each) => (
                <Table.Tr key={each.assetClass}>
                  <Table.Th fw={400}>{className(each.assetClass)}</Table.Th>
                  <Table.Td className="number">{formatPercent(each.target)}</Table.Td>
                  <Table.Td className="number">{formatPercent(each.before)}</Table.Td>
                  <Table.Td className="number">{formatPercent(each.after)}</Table.Td>
                  <Table.Td className="number">{formatSignedPercent(each.driftBefore)}</Table.Td>
                  <Table.Td className="number">{formatSignedPercent(each.driftAfter)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
          </Table.ScrollContainer>
        </SimpleGrid>
      )}
    </Panel>
  );
}

/** US_LARGE is "US large". */
export function className(code: string): string {
  return words(code).replace(/^(Us|Intl)\b/, (part) => (part === "Us" ? "US" : "Intl"));
}
