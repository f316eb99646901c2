import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { Link } from "react-router";
import type { DayRowFragment } from "../api/generated";
import { formatDate } from "../format/dates";
import { laneName } from "../format/words";
import { SaveButton } from "../table/PlainTable";
import type { SavedColumn } from "../table/csv";
import classes from "./HistoryPage.module.css";
import { Outcome, outcomeText } from "./outcome";
import { fromLocalField, type HistoryView, toLocalField, writeView } from "./view";

interface Props {
  account: string;
  rows: DayRowFragment[];
  openId: string | undefined;
  view: HistoryView;
  change: (changes: Partial<HistoryView>) => void;
  hasMore: boolean;
  loadMore: () => void;
}

const COLUMNS: readonly SavedColumn<DayRowFragment>[] = [
  { header: "Account", value: (day) => day.accountId },
  { header: "Business date", value: (day) => day.businessDate },
  { header: "Attempt", value: (day) => String(day.attempt) },
  { header: "How it stands", value: outcomeText },
  { header: "Lane", value: (day) => laneName(day.lane) },
];

/** Which days, as known when, and the days themselves, newest first. */
export function Days({ account, rows, openId, view, change, hasMore, loadMore }: Props) {
  return (
    <Stack gap="sm" className={classes.days}>
      <Filters view={view} change={change} />
      <Group justify="space-between">
        <Text size="sm" fw={600} component="h2">
          Business days
        </Text>
        <SaveButton name={`${account}-days`} what="the days" columns={COLUMNS} rows={rows} />
      </Group>
      {rows.length === 0 ? (
        <Text size="sm">No business day of the account is in these dates.</Text>
      ) : (
        <ol className={classes.list} aria-label="Business days, newest first" tabIndex={0}>
          {rows.map((day) => (
            <li key={day.id}>
              <Link
                to={{ search: writeView({ ...view, day: day.id }).toString() }}
                className={classes.day}
                aria-current={day.id === openId}
                replace
              >
                <span>
                  {formatDate(day.businessDate)}
                  {(day.attempt > 1 || !day.current) && (
                    <Text size="xs">
                      attempt {day.attempt}
                      {!day.current && ", superseded"}
                    </Text>
                  )}
                  {day.lane && <Text size="xs">{laneName(day.lane)}</Text>}
                </span>
                <Outcome day={day} />
              </Link>
            </li>
          ))}
        </ol>
      )}
      {hasMore && (
        <Button size="xs" variant="default" onClick={loadMore}>
          Earlier days
        </Button>
      )}
      <Text size="xs">Keys: j and k move between days.</Text>
    </Stack>
  );
}

function Filters({ view, change }: { view: HistoryView; change: (changes: Partial<HistoryView>) => void }) {
  return (
    <Stack gap={6} role="search" aria-label="Which days">
      <Group gap="xs" grow wrap="nowrap">
        <TextInput
          type="date"
          size="xs"
          label="From"
          value={view.since ?? ""}
          onChange={(event) => change({ since: event.currentTarget.value || null, day: null })}
        />
        <TextInput
          type="date"
          size="xs"
          label="As of"
          value={view.until ?? ""}
          onChange={(event) => change({ until: event.currentTarget.value || null, day: null })}
        />
      </Group>
      <TextInput
        type="datetime-local"
        step={1}
        size="xs"
        label="As the records stood at"
        value={toLocalField(view.knownAt)}
        onChange={(event) => change({ knownAt: fromLocalField(event.currentTarget.value), day: null })}
      />
      {(view.since || view.until || view.knownAt) && (
        <Button size="compact-xs" variant="default" onClick={() => change({ since: null, until: null, knownAt: null, day: null })}>
          Every day, as of now
        </Button>
      )}
    </Stack>
  );
}
