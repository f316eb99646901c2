import { Table, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { formatCount } from "../format/numbers";
import { inLocale } from "../format/sentences";
import { words } from "../format/words";
import { Panel } from "./Panel";
import type { ReviewDay } from "./useReview";

/** What drift or a loss suggests, and why it is not proposed. */
export function WhyNots({ day, aside }: { day: Pick<ReviewDay, "proposal">; aside?: ReactNode }) {
  const whyNots = day.proposal?.whyNots ?? [];
  return (
    <Panel title={`Why not more (${formatCount(whyNots.length)})`} aside={aside}>
      {whyNots.length === 0 ? (
        <Text size="sm">Nothing that drift or a loss suggests was left undone.</Text>
      ) : (
        <Table.ScrollContainer minWidth={560} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
        <Table verticalSpacing={4} fz="sm">
          <Table.Tbody>
            {whyNots.map((each) => (
              <Table.Tr key={`${each.securityId}${each.code}`}>
                <Table.Th w={230} fw={400}>
                  <b>{each.security?.symbol ?? each.securityId}</b> <Text span size="xs">{each.security?.name}</Text>
                </Table.Th>
                <Table.Td w={180}>{words(each.code)}</Table.Td>
                <Table.Td>{inLocale(each.sentence)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        </Table.ScrollContainer>
      )}
    </Panel>
  );
}
