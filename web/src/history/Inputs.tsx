import { Group, List, SimpleGrid, Stack, Text } from "@mantine/core";
import type { DayShownFragment } from "../api/generated";
import { formatDate } from "../format/dates";
import { formatCount, formatPrice } from "../format/numbers";
import { inLocale } from "../format/sentences";
import { words } from "../format/words";
import { Facts } from "../review/Facts";
import { Panel } from "../review/Panel";
import { type PlainColumn, PlainTable, SaveButton } from "../table/PlainTable";
import { Hash } from "./Hash";

type Frozen = NonNullable<DayShownFragment["inputs"]>;
type Feed = Frozen["feeds"][number];

const COLUMNS: readonly PlainColumn<Feed>[] = [
  { header: "File", value: (feed) => words(feed.kind) },
  {
    header: "Content",
    value: (feed) => feed.contentHash,
    cell: (feed) => (feed.contentHash ? <Hash hash={feed.contentHash} /> : "none"),
  },
  { header: "Fault", value: (feed) => [feed.code, feed.message].filter(Boolean).join(": "), cell: (feed) => (feed.code ? `${words(feed.code)}: ${feed.message}` : "") },
];

/** What the day's analysis stood on: files, market, models and settings, each by its hash or version. */
export function Inputs({ day }: { day: DayShownFragment }) {
  const { inputs, snapshot } = day;
  const name = `${day.accountId}-${day.businessDate}-files`;
  if (!inputs && !snapshot) {
    return (
      <Panel id="inputs" title="Inputs">
        <Text size="sm">Nothing was frozen for the account yet.</Text>
      </Panel>
    );
  }
  return (
    <Panel
      id="inputs"
      title="Inputs"
      aside={inputs && <SaveButton name={name} what="the files" columns={COLUMNS} rows={inputs.feeds} />}
    >
      <SimpleGrid cols={{ base: 1, lg: 3 }} spacing="lg">
        <Facts
          facts={[
            ["Holdings and closes of", (inputs ?? snapshot) && formatDate((inputs ?? snapshot)?.asOf ?? "")],
            ["Manifest", inputs && <Hash hash={inputs.hash} />],
            ["Market", inputs && <Hash hash={inputs.market} />],
            ["Snapshot", snapshot && <Hash hash={snapshot.hash} />],
            ["Proposal", day.proposal && <Hash hash={day.proposal.hash} />],
            ["Settings known at version", inputs && formatCount(inputs.settingsSeq)],
            ["When a price is faulty", inputs && words(inputs.priceFaultPolicy)],
            ["Cash, settled", snapshot && formatPrice(snapshot.cashSettled)],
            ["Cash, unsettled", snapshot && formatPrice(snapshot.cashUnsettled)],
            ["Tax lots", snapshot && formatCount(snapshot.lots.length)],
          ]}
        />
        <Stack gap={6}>
          <Text size="sm" fw={600}>
            Settings on the day
          </Text>
          {snapshot ? (
            <List size="sm" spacing={2}>
              {snapshot.settings.sentences.map((sentence) => (
                <List.Item key={sentence}>{inLocale(sentence)}</List.Item>
              ))}
            </List>
          ) : (
            <Text size="sm">Its inputs were not sound, so no snapshot was taken.</Text>
          )}
          {inputs && inputs.models.length > 0 && (
            <Group gap="sm">
              <Text size="xs">Models</Text>
              {inputs.models.map((model) => (
                <Hash key={model.modelId} name={words(model.modelId)} hash={model.hash} />
              ))}
            </Group>
          )}
        </Stack>
        {inputs && (
          <PlainTable caption="Files of the day" columns={COLUMNS} rows={inputs.feeds} keyOf={(feed) => feed.kind} empty="No file." minWidth={280} dense />
        )}
      </SimpleGrid>
    </Panel>
  );
}
