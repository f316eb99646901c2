import { Alert, Code, Group, Stack, Text, Title } from "@mantine/core";
import type { DayShownFragment } from "../api/generated";
import { formatDate } from "../format/dates";
import { inLocale } from "../format/sentences";
import { laneName, longReason, words } from "../format/words";
import { BeforeAfter } from "../review/BeforeAfter";
import { Trades } from "../review/Trades";
import { WhyNots } from "../review/WhyNots";
import { Decisions } from "./Decisions";
import classes from "./HistoryPage.module.css";
import { Inputs } from "./Inputs";
import { Orders } from "./Orders";
import { Outcome, outcomeText } from "./outcome";
import { Records } from "./Records";
import { SaveTrades, SaveWhyNots } from "./SaveAnalysis";
import { Stages } from "./Stages";

const PARTS: readonly (readonly [string, string])[] = [
  ["stages", "Stages"],
  ["inputs", "Inputs"],
  ["analysis", "Analysis"],
  ["decisions", "Decisions"],
  ["orders", "Orders"],
  ["record", "Record"],
];

/** Everything that happened in one account's day, in the order in which it happened. */
export function DayDetail({ day }: { day: DayShownFragment }) {
  const reason = day.terminalReason ?? (day.waitingReason && inLocale(longReason(day.waitingReason)));
  return (
    <Stack gap="md" miw={0}>
      <div>
        <Group gap="sm">
          <Title order={2} fz="h4">
            {formatDate(day.businessDate)}
          </Title>
          <Outcome day={day} />
          <Text size="sm">
            {[day.lane && `${laneName(day.lane)} lane`, `attempt ${day.attempt}`, !day.current && "superseded by a later one"]
              .filter(Boolean)
              .join(" · ")}
          </Text>
        </Group>
        <Text size="sm" mt={4} component="nav" aria-label="Parts of the day" className={classes.parts}>
          {PARTS.filter(([id]) => id !== "analysis" || day.proposal).map(([id, label]) => (
            <a key={id} href={`#${id}`} className={classes.part}>
              {label}
            </a>
          ))}
        </Text>
        <Text size="sm" mt={4}>
          {[day.terminalCode && outcomeText(day), reason].filter(Boolean).join(": ")}
        </Text>
      </div>
      {day.blocked
        .filter((each) => !each.resolved)
        .map((each) => (
          <Alert key={each.stage} color="red" title={`Blocked at ${words(each.stage).toLowerCase()} by ${each.errorType}`}>
            {each.message}
          </Alert>
        ))}
      <Stages day={day} />
      <Inputs day={day} />
      {day.proposal && (
        <>
          <div className={classes.analysis} id="analysis">
            <BeforeAfter day={day} />
            <WhyNots day={day} aside={<SaveWhyNots day={day} />} />
          </div>
          <Trades day={day} aside={<SaveTrades day={day} />} />
        </>
      )}
      <Decisions day={day} />
      <Orders day={day} />
      <Records day={day} />
      <Text size="xs">
        Workflow <Code fz="xs">{day.workflowId}</Code>
      </Text>
    </Stack>
  );
}
