import { Box, Group, NativeSelect, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useSearchParams } from "react-router";
import { problemOf } from "../api/problem";
import { formatDate, formatInstant, isDate } from "../format/dates";
import { words } from "../format/words";
import { ApiProblem, NothingThere } from "../frame/Problems";
import { StaleBanner } from "../frame/StaleBanner";
import { useTitle } from "../frame/title";
import { useViewer } from "../frame/viewer";
import { Waiting } from "../frame/Waiting";
import { Alerts } from "./Alerts";
import { AtAGlance } from "./AtAGlance";
import { Blocked } from "./Blocked";
import { Clock } from "./Clock";
import { Deliveries } from "./Deliveries";
import classes from "./Night.module.css";
import { Outcomes } from "./Outcomes";
import { Progress } from "./Progress";
import { Suspensions } from "./Suspensions";
import { polls, useNight } from "./useNight";

const STATUS: Record<string, string> = { OPEN: "Under way", DONE: "Done", NO_SESSION: "No session" };

/** One business day as those see it who keep it running: files, progress, what is stuck, and how accounts ended. */
export default function NightPage() {
  useTitle("The night");
  const viewer = useViewer();
  const [params, setParams] = useSearchParams();
  const given = params.get("date");
  const isBroken = given !== null && !isDate(given);
  const on = isBroken ? null : given;
  const allAlerts = params.get("alerts") === "all";
  const { night, dates, blocked, alerts, reload } = useNight(on, allAlerts, viewer);
  const { data, error } = night;
  const set = (name: string, value: string | null) =>
    setParams(
      (before) => {
        const next = new URLSearchParams(before);
        if (value === null) next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );

  if (isBroken) return <NothingThere thing="business date" />;
  // The page is for those who may retry steps: whoever the API refuses that gets no page, though counts would be seen.
  const refused = blocked.error && problemOf(blocked.error) === "forbidden" ? blocked.error : undefined;
  const missing = error && !data?.run && !data?.suspensionCounts ? error : undefined;
  const problem = refused ?? missing;
  if (problem) return <ApiProblem error={problem} retry={reload} />;
  if (!data) return <Waiting label="Loading the night" />;
  const { run } = data;
  return (
    <Box p="md" maw={1760} mx="auto">
      <Group justify="space-between" align="flex-end" mb="md">
        <Group align="flex-end" gap="md">
          <Title order={1} fz="h3">
            The night
          </Title>
          {dates.length > 0 && (
            <NativeSelect
              size="xs"
              aria-label="Business date"
              value={on ?? dates[0]}
              onChange={(event) => set("date", event.currentTarget.value === dates[0] ? null : event.currentTarget.value)}
              data={dates.map((date) => ({ value: date, label: formatDate(date) }))}
            />
          )}
        </Group>
        {run && (
          <Text size="sm">
            {STATUS[run.status] ?? words(run.status)} · {run.phase ? `after ${words(run.phase).toLowerCase()}` : "not begun"} ·{" "}
            {run.clockMode === "stepped" ? "stepped clock" : "market clock"} · opened {formatInstant(run.openedAt)}
            {polls(viewer) && " · read anew every 5 s"}
          </Text>
        )}
      </Group>
      <StaleBanner error={error ?? blocked.error ?? alerts.error} retry={reload} />
      {!run ? (
        <NoRun date={on} />
      ) : (
        <Stack gap="md">
          <AtAGlance
            run={run}
            blocked={blocked.data?.blockedSteps?.totalCount}
            alerts={allAlerts ? undefined : alerts.data?.alerts?.totalCount}
            suspended={data.suspensionCounts ?? []}
          />
          <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
            <Progress run={run} />
            <Outcomes run={run} />
          </SimpleGrid>
          <Blocked steps={blocked} />
          <Alerts alerts={alerts} all={allAlerts} onAll={(all) => set("alerts", all ? "all" : null)} />
          <Deliveries run={run} />
          <div className={classes.wideAndNarrow}>
            <Suspensions counts={data.suspensionCounts ?? []} />
            <Clock run={run} />
          </div>
        </Stack>
      )}
    </Box>
  );
}

function NoRun({ date }: { date: string | null }) {
  return (
    <Stack align="center" p="xl" gap="xs">
      <Text fw={600}>{date ? `There was no run on ${date}` : "No night has run yet"}</Text>
      <Text size="sm">{date ? "Choose another business date." : "The first one begins when the day's schedule opens it."}</Text>
    </Stack>
  );
}
