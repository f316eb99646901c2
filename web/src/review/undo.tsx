import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { Client } from "urql";
import { formatCount } from "../format/numbers";
import { type Outcome, undoSuspension } from "./decide";

const UNDO_MS = 12_000;

/** Says what was suspended; whoever may lift it again can take it back from here. */
export function tellSuspended(client: Client, accepted: (Outcome & { what: "accepted" })[], mayUndo: boolean): void {
  const who = accepted.length === 1 ? accepted[0]?.seen.accountId : `${formatCount(accepted.length)} accounts`;
  const id = notifications.show({
    title: `Suspended ${who}`,
    autoClose: UNDO_MS,
    closeButtonProps: { "aria-label": "Close" },
    message: (
      <Group justify="space-between">
        <Text size="sm">Nothing of it trades until it is lifted.</Text>
        {mayUndo && (
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => {
              notifications.hide(id);
              void undo(client, accepted);
            }}
          >
            Undo
          </Button>
        )}
      </Group>
    ),
  });
}

async function undo(client: Client, accepted: (Outcome & { what: "accepted" })[]): Promise<void> {
  const ids = accepted.flatMap((each) => (each.suspensionId ? [each.suspensionId] : []));
  const problems = (await Promise.all(ids.map((id) => undoSuspension(client, id)))).filter((each) => each !== null);
  notifications.show(
    problems.length === 0
      ? { title: "Suspension lifted", message: "A day that the suspension has ended stays ended: after cut-off the account trades on the next business day." }
      : { title: "Could not undo", message: problems.join(" "), color: "red" },
  );
}
