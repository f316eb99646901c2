import { Anchor, Button, Group, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { Link } from "react-router";
import { useClient } from "urql";
import { type BlockedStepsQuery, type Place, RetryStepDocument, type RetryStepInput } from "../api/generated";
import type { Pages } from "../api/pages";
import { formatInstant } from "../format/dates";
import { formatCount } from "../format/numbers";
import { words } from "../format/words";
import { placesOf } from "../frame/places";
import { useViewer } from "../frame/viewer";
import { Waiting } from "../frame/Waiting";
import { historyPath } from "../history/path";
import { newKey } from "../review/decide";
import { Panel } from "../review/Panel";
import { useConnected } from "../session/SessionProvider";
import { type PlainColumn, PlainTable, SaveButton } from "../table/PlainTable";
import classes from "./Night.module.css";

type Connected = NonNullable<BlockedStepsQuery["blockedSteps"]>;
type Step = Connected["edges"][number]["node"];

/** Steps that are parked: what failed, what to do about it, and another try. */
export function Blocked({ steps }: { steps: Pages<BlockedStepsQuery, Step> }) {
  const { retry, busy, asked } = useRetry(steps);
  const temporal = useTemporal();
  const readsAccounts = placesOf(useViewer().roles).some((place) => place.path === "/accounts");
  const { rows } = steps;
  const columns: PlainColumn<Step>[] = [
    {
      header: "Account",
      value: (step) => step.accountId,
      cell: (step) =>
        readsAccounts ? (
          <Anchor component={Link} to={historyPath(step.accountId)} size="sm" fw={600}>
            {step.accountId}
          </Anchor>
        ) : (
          <b>{step.accountId}</b>
        ),
    },
    { header: "Stage", value: (step) => words(step.stage) },
    { header: "Since", value: (step) => step.since, cell: (step) => <span className="number">{formatInstant(step.since)}</span> },
    {
      header: "Error",
      value: (step) => `${step.errorType}: ${step.message}`,
      cell: (step) => (
        <div className={classes.wrap}>
          <b>{step.errorType}</b> <Text span size="xs">({words(step.errorClass).toLowerCase()})</Text>
          <Text size="xs">{step.message}</Text>
        </div>
      ),
    },
    { header: "What to do", value: (step) => step.runbook, cell: (step) => <Text size="xs" className={classes.wrap}>{step.runbook}</Text> },
    { header: "Tries", value: (step) => String(step.tries), numeric: true },
    {
      header: "Act",
      value: (step) => step.workflowId,
      cell: (step) => (
        <Stack gap={4} align="flex-start">
          <Button
            size="compact-sm"
            loading={busy === step.id}
            onClick={() => void retry(step.id, { accountDayId: step.accountDayId })}
            aria-label={`Retry ${words(step.stage).toLowerCase()} of ${step.accountId}`}
          >
            Retry
          </Button>
          {asked.has(`${step.id}/${step.tries}`) && <Text size="xs">asked, waiting</Text>}
          {temporal && (
            <Anchor href={temporal(step.workflowId)} target="_blank" rel="noreferrer" size="xs">
              Workflow in Temporal ↗
            </Anchor>
          )}
        </Stack>
      ),
    },
  ];
  const stages = [...new Set(rows.map((step) => step.stage))];
  return (
    <Panel
      id="blocked"
      title={`Blocked steps (${formatCount(steps.data?.blockedSteps?.totalCount ?? rows.length)})`}
      aside={
        <Group gap="xs">
          {stages.map((stage) => (
            <Button
              key={stage}
              size="compact-xs"
              variant="default"
              loading={busy === stage}
              onClick={() => void retry(stage, { stage: stage as Place })}
            >
              Retry all at {words(stage).toLowerCase()}
            </Button>
          ))}
          <SaveButton name="blocked-steps" what="the blocked steps" columns={columns.slice(0, -1)} rows={rows} />
        </Group>
      }
    >
      {steps.loaded ? (
        <PlainTable caption="Blocked steps" columns={columns} rows={rows} keyOf={(step) => step.id} empty="Nothing is stuck." minWidth={1080} />
      ) : (
        <Waiting label="Loading blocked steps" />
      )}
      {steps.hasMore && (
        <Button size="xs" variant="default" mt="xs" onClick={steps.loadMore}>
          Show more
        </Button>
      )}
    </Panel>
  );
}

/** Asks for another try; `asked` names the tries that have been asked about. */
function useRetry(steps: Pages<BlockedStepsQuery, Step>) {
  const client = useClient();
  const [busy, setBusy] = useState<string | null>(null);
  const [asked, setAsked] = useState<ReadonlySet<string>>(new Set());
  const retry = async (name: string, what: Pick<RetryStepInput, "accountDayId" | "stage">) => {
    setBusy(name);
    const { data, error } = await client.mutation(RetryStepDocument, { input: { ...what, idempotencyKey: newKey() } }).toPromise();
    setBusy(null);
    const result = data?.retryStep;
    if (result?.__typename !== "StepsRetried") {
      const message = result && "message" in result ? result.message : (error?.message ?? "The API gave no answer.");
      notifications.show({ color: "red", title: "Not tried again", message, autoClose: 10_000 });
      return;
    }
    const message = `${formatCount(result.steps)} ${result.steps === 1 ? "step is" : "steps are"} tried again.`;
    notifications.show({ color: "green", title: "Retry asked", message });
    const touched = steps.rows.filter((step) => step.id === name || step.stage === name);
    setAsked((before) => new Set([...before, ...touched.map((step) => `${step.id}/${step.tries}`)]));
    steps.reload();
  };
  return { retry, busy, asked };
}

/** Where a workflow can be looked at; null when no Temporal UI is known. */
function useTemporal(): ((workflowId: string) => string) | null {
  const { config } = useConnected();
  if (config.temporalUi === null) return null;
  const workflows = `${config.temporalUi}/namespaces/${encodeURIComponent(config.temporalNamespace)}/workflows`;
  return (workflowId) => `${workflows}/${encodeURIComponent(workflowId)}`;
}
