import { Alert, List, Stack, Text } from "@mantine/core";
import { formatCount } from "../format/numbers";
import type { Act, Outcome } from "./decide";

/** Every decision that did not count, and why; those that did are one line. */
export function Outcomes({ outcomes, act }: { outcomes: Outcome[]; act: Act }) {
  const accepted = outcomes.filter((each) => each.what === "accepted").length;
  return (
    <Stack gap="sm" role="alert">
      {accepted > 0 && <Text size="sm">{formatCount(accepted)} decisions count.</Text>}
      {outcomes.map((each) => (each.what === "accepted" ? null : <Failed key={each.seen.id} outcome={each} act={act} />))}
    </Stack>
  );
}

const STALE: readonly string[] = ["STALE_VERSION", "STALE_HASH", "NOT_OPEN", "EXPIRED"];

function Failed({ outcome, act }: { outcome: Exclude<Outcome, { what: "accepted" }>; act: Act }) {
  const { accountId } = outcome.seen;
  if (outcome.what === "unanswered") {
    return (
      <Alert color="orange" title={`${accountId}: no answer`}>
        The API did not answer ({outcome.message}). Whether you did {act} it is not known; trying again decides it once.
      </Alert>
    );
  }
  const stale = STALE.includes(outcome.code);
  return (
    <Alert color="red" title={`${accountId}: ${stale ? "your decision came too late" : "your decision does not count"}`}>
      <Text size="sm">{outcome.message}</Text>
      {outcome.changes.length > 0 && (
        <>
          <Text size="sm" mt={6} fw={600}>
            What has changed since you looked
          </Text>
          <List size="sm">
            {outcome.changes.map((change) => (
              <List.Item key={change}>{change}</List.Item>
            ))}
          </List>
        </>
      )}
    </Alert>
  );
}
