import { Alert, Button, Group, Modal, Stack, Text, Textarea } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { type FormEvent, useRef, useState } from "react";
import { useClient } from "urql";
import type { AccountRowFragment } from "../api/generated";
import { formatDate } from "../format/dates";
import { words } from "../format/words";
import { roleName, useViewer } from "../frame/viewer";
import { liftSuspension, newKey } from "../review/decide";
import { useDraft } from "../review/draft";

type Suspension = AccountRowFragment["openSuspensions"][number];

/** Why the account must not trade, what ends it and who may; whoever may lifts it from here. */
export function Suspended({ suspensions, onLifted }: { suspensions: readonly Suspension[]; onLifted: () => void }) {
  const { roles } = useViewer();
  const [lifting, setLifting] = useState<Suspension | null>(null);
  return (
    <>
      {suspensions.map((each) => {
        const may = each.mayBeLiftedBy.some((role) => roles.includes(role));
        const lifters = each.mayBeLiftedBy.map(roleName).join(" or ").toLowerCase();
        return (
          <Alert key={each.id} color="orange" mb="sm" py="xs" title={`Suspended: ${words(each.code).toLowerCase()}`}>
            <Group justify="space-between" align="flex-end">
              <Text size="sm">
                {each.reason} (since {formatDate(each.since)}). What ends it: {each.clearedBy}.{" "}
                {lifters ? `May be lifted by: ${lifters}.` : "Nobody lifts it: a new file ends it."}
              </Text>
              {may && (
                <Button size="xs" variant="default" onClick={() => setLifting(each)} aria-label={`Lift the suspension for ${words(each.code).toLowerCase()}`}>
                  Lift
                </Button>
              )}
            </Group>
          </Alert>
        );
      })}
      {lifting && <Lift suspension={lifting} onClose={() => setLifting(null)} onLifted={onLifted} />}
    </>
  );
}

function Lift({ suspension, onClose, onLifted }: { suspension: Suspension; onClose: () => void; onLifted: () => void }) {
  const client = useClient();
  const key = useRef(newKey());
  const [reason, setReason, forget] = useDraft(`lift:${suspension.id}`);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const refused = await liftSuspension(client, suspension.id, reason.trim(), key.current);
    setBusy(false);
    setProblem(refused);
    key.current = newKey(); // answered: another try is another act
    if (refused !== null) return;
    forget();
    notifications.show({ title: "Suspension lifted", message: "An account whose day has ended trades on the next business day." });
    onLifted();
    onClose();
  };
  return (
    <Modal opened onClose={() => !busy && onClose()} title={`Lift the suspension: ${words(suspension.code).toLowerCase()}`}>
      <form onSubmit={(event) => void submit(event)}>
        <Stack>
          {problem !== null && (
            <Alert color="red" role="alert">
              {problem}
            </Alert>
          )}
          <Textarea
            label="Reason"
            description="It stands in the record."
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            required
            autosize
            minRows={2}
            maxLength={1000}
            data-autofocus
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose} disabled={busy}>
              Cancel
            </Button>
            <Button type="submit" loading={busy} disabled={reason.trim() === ""}>
              Lift
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
