import { Alert, Anchor, Box, Group, Stack, Text, Title } from "@mantine/core";
import { useMemo } from "react";
import { Link, useParams, useSearchParams } from "react-router";
import type { AccountRowFragment } from "../api/generated";
import { formatInstant } from "../format/dates";
import { words } from "../format/words";
import { ApiProblem, NothingThere } from "../frame/Problems";
import { StaleBanner } from "../frame/StaleBanner";
import { useTitle } from "../frame/title";
import { useKeys } from "../frame/useKeys";
import { Waiting } from "../frame/Waiting";
import { DayDetail } from "./DayDetail";
import { Days } from "./Days";
import classes from "./HistoryPage.module.css";
import { Suspended } from "./Suspended";
import { useDay, useDays } from "./useHistory";
import { Verify } from "./Verify";
import { type HistoryView, readView, writeView } from "./view";

/** Every business day of an account, and everything that happened in one of them. */
export default function HistoryPage() {
  const { accountId = "" } = useParams();
  useTitle(`${accountId} · History`);
  const [params, setParams] = useSearchParams();
  const view = useMemo(() => readView(params), [params]);
  const days = useDays(accountId, view);
  const open = days.rows.find((row) => row.id === view.day) ?? (view.day === null ? days.rows[0] : undefined);
  const one = useDay(accountId, open?.businessDate, open?.id, view.knownAt);
  const change = (changes: Partial<HistoryView>) => setParams(writeView({ ...view, ...changes }), { replace: true });
  const move = (step: number) => {
    const at = days.rows.findIndex((row) => row.id === open?.id);
    const next = days.rows[at + step];
    if (next) change({ day: next.id });
  };
  useKeys({ j: () => move(1), k: () => move(-1) });

  if (days.error && !days.loaded) return <ApiProblem error={days.error} retry={days.reload} />;
  if (!days.loaded && !days.data) return <Waiting label="Loading the history" />;
  const account = days.data?.account;
  if (!account) return <NothingThere thing="account" />;
  const reload = () => {
    days.reload();
    one.reload();
  };
  return (
    <Box p="md" maw={1760} mx="auto">
      <Head account={account} />
      <Suspended suspensions={account.openSuspensions} onLifted={reload} />
      <StaleBanner error={days.error ?? (one.day ? one.error : undefined)} retry={reload} />
      {view.knownAt !== null && (
        <Alert color="blue" mb="sm" py="xs">
          As the records stood at {formatInstant(view.knownAt)}: whatever was recorded later is left out.
        </Alert>
      )}
      <div className={classes.columns}>
        <Days
          account={accountId}
          rows={days.rows}
          openId={open?.id}
          view={view}
          change={change}
          hasMore={days.hasMore}
          loadMore={days.loadMore}
        />
        {one.day ? (
          <DayDetail day={one.day} />
        ) : one.error ? (
          <ApiProblem error={one.error} retry={reload} />
        ) : one.loading || !days.loaded ? (
          <Waiting label="Loading the day" />
        ) : (
          <NoDay hasDays={days.rows.length > 0} />
        )}
      </div>
    </Box>
  );
}

function Head({ account }: { account: AccountRowFragment }) {
  const facts = [
    ["Household", account.householdId],
    ["Advisor", account.advisorId],
    ["Programme", account.programme && words(account.programme)],
    ["Registration", account.registration && words(account.registration)],
    ["Model", account.modelId && words(account.modelId)],
    ["Discretion", account.discretionary ? "Full" : "With the client's consent"],
  ];
  return (
    <Group justify="space-between" align="flex-end" mb="md">
      <div>
        <Anchor component={Link} to="/accounts" size="sm">
          ← Accounts
        </Anchor>
        <Group gap="sm" mt={2}>
          <Title order={1} fz="h3">
            {account.accountId}
          </Title>
          <Verify account={account.accountId} />
        </Group>
      </div>
      <Group gap="lg">
        {facts.map(([name, value]) =>
          value ? (
            <div key={name}>
              <Text size="xs">{name}</Text>
              <Text size="sm" fw={600}>
                {value}
              </Text>
            </div>
          ) : null,
        )}
      </Group>
    </Group>
  );
}

function NoDay({ hasDays }: { hasDays: boolean }) {
  return (
    <Stack align="center" p="xl" gap="xs">
      <Text fw={600}>{hasDays ? "That day is not among these" : "Nothing is known of the account in these dates"}</Text>
      <Text size="sm">{hasDays ? "Choose a day from the list." : "Widen the dates, or look at it as of now."}</Text>
    </Stack>
  );
}
