import { Group, Paper, Text } from "@mantine/core";
import type { NightQuery } from "../api/generated";
import { formatCount } from "../format/numbers";
import classes from "./Night.module.css";

export type Run = NonNullable<NightQuery["run"]>;
export type SuspensionCount = NonNullable<NightQuery["suspensionCounts"]>[number];

interface Props {
  run: Run;
  blocked: number | undefined;
  alerts: number | undefined;
  suspended: readonly SuspensionCount[];
}

/** What a night has to be asked first, in one line. */
export function AtAGlance({ run, blocked, alerts, suspended }: Props) {
  const ended = run.outcomes.reduce((all, each) => all + each.accounts, 0);
  const loaded = run.feeds.filter((feed) => !feed.waiting).length;
  const suspensions = suspended.reduce((all, each) => all + each.suspensions, 0);
  return (
    <Paper withBorder p="sm" component="section" aria-label="At a glance">
      <Group gap="xl">
        <Figure label="Accounts" value={formatCount(run.roster + (run.withoutDay ?? 0))} />
        <Figure label="Ended" value={formatCount(ended)} />
        <Figure label="Open" value={formatCount(run.roster - ended)} />
        {run.withoutDay != null && <Figure label="Without a day" value={formatCount(run.withoutDay)} attention={run.withoutDay > 0} />}
        <Figure label="Files usable" to="#deliveries" value={`${formatCount(loaded)} of ${formatCount(run.feeds.length)}`} attention={loaded < run.feeds.length} />
        {blocked !== undefined && <Figure label="Blocked steps" to="#blocked" value={formatCount(blocked)} attention={blocked > 0} />}
        {alerts !== undefined && <Figure label="Alerts to acknowledge" to="#alerts" value={formatCount(alerts)} attention={alerts > 0} />}
        <Figure label="Suspensions" to="#suspensions" value={formatCount(suspensions)} />
      </Group>
    </Paper>
  );
}

function Figure(props: { label: string; value: string; attention?: boolean; to?: string }) {
  const { label, value, attention = false, to } = props;
  return (
    <div>
      <Text size="xs">
        {to ? (
          <a href={to} className={classes.jump}>
            {label}
          </a>
        ) : (
          label
        )}
      </Text>
      <Text className={classes.figure} data-attention={attention}>
        {attention && <span aria-hidden>▲ </span>}
        {value}
      </Text>
    </div>
  );
}
