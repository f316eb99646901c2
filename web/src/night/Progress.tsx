import { Table, Text } from "@mantine/core";
import { formatCount, formatRatio, NOTHING } from "../format/numbers";
import { words } from "../format/words";
import { Panel } from "../review/Panel";
import type { Run } from "./AtAGlance";
import classes from "./Night.module.css";

/** How far the accounts have come: of each stage those that passed it, stand at it, and are stuck in it. */
export function Progress({ run }: { run: Run }) {
  const most = Math.max(1, run.roster);
  const suspended = run.openPlaces.find((each) => each.name === "SUSPENDED")?.accounts ?? 0;
  return (
    <Panel title="Progress through the stages" aside={<Text size="xs">seconds are work summed over accounts</Text>}>
      <Table.ScrollContainer minWidth={480} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
      <Table verticalSpacing={4} fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Stage</Table.Th>
            <Table.Th w="40%">Share of the roster</Table.Th>
            <Table.Th className="number">Passed</Table.Th>
            <Table.Th className="number">At it</Table.Th>
            <Table.Th className="number">Blocked</Table.Th>
            <Table.Th className="number">Seconds</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {run.progress.map((each) => (
            <Table.Tr key={each.stage}>
              <Table.Th fw={400}>{words(each.stage)}</Table.Th>
              <Table.Td>
                <div className={classes.bar} aria-hidden>
                  <span className={classes.passed} style={{ width: `${(100 * each.passed) / most}%` }} />
                  <span className={classes.here} style={{ width: `${(100 * (each.here - each.blocked)) / most}%` }} />
                  <span className={classes.blocked} style={{ width: `${(100 * each.blocked) / most}%` }} />
                </div>
              </Table.Td>
              <Table.Td className="number">{formatCount(each.passed)}</Table.Td>
              <Table.Td className="number">{each.here > 0 ? formatCount(each.here) : NOTHING}</Table.Td>
              <Table.Td className="number">{each.blocked > 0 ? formatCount(each.blocked) : NOTHING}</Table.Td>
              <Table.Td className="number">{formatRatio(each.seconds.toFixed(2))}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      </Table.ScrollContainer>
      {suspended > 0 && (
        <Text size="sm" mt="xs">
          {formatCount(suspended)} more {suspended === 1 ? "account waits" : "accounts wait"} suspended until the cut-off.
        </Text>
      )}
    </Panel>
  );
}
