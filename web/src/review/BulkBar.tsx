import { Button, Group, Text } from "@mantine/core";
import { formatCount } from "../format/numbers";
import type { Act } from "./decide";

interface Props {
  selected: number;
  shown: number;
  hasMore: boolean;
  arrived: number;
  act: (act: Act) => void;
  clear: () => void;
  reload: () => void;
}

/** What can be done with all that are selected; without a selection, how much is shown. */
export function BulkBar({ selected, shown, hasMore, arrived, act, clear, reload }: Props) {
  return (
    <Group h={36} mb={6} gap="xs" role="toolbar" aria-label="Selected accounts">
      {selected > 0 ? (
        <>
          <Text size="sm" fw={600} role="status">
            {formatCount(selected)} selected
          </Text>
          <Button size="xs" onClick={() => act("approve")}>
            Approve
          </Button>
          <Button size="xs" variant="default" onClick={() => act("reject")}>
            Reject
          </Button>
          <Button size="xs" variant="default" onClick={() => act("suspend")}>
            Suspend
          </Button>
          <Button size="xs" variant="subtle" onClick={clear}>
            Deselect
          </Button>
        </>
      ) : (
        <Text size="sm" role="status">
          {formatCount(shown)}
          {hasMore ? " shown so far; more come as you scroll" : shown === 1 ? " account" : " accounts"}
        </Text>
      )}
      {arrived > 0 && (
        <Button size="xs" variant="light" onClick={reload} ml="auto">
          {formatCount(arrived)} more have arrived: show them
        </Button>
      )}
    </Group>
  );
}
