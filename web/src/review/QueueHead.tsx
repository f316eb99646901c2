import { Group, Text } from "@mantine/core";
import { formatAge, formatDate, formatLength, formatMoment } from "../format/dates";
import { formatCount } from "../format/numbers";
import type { Queue } from "./useQueue";

/** The day at a glance: how many wait, since when, and when reviews expire by the business clock. */
export function QueueHead({ summary, now }: { summary: Queue["summary"]; now: number }) {
  if (!summary) return null;
  return (
    <Group gap="lg">
      <Fact label="Business date" value={formatDate(summary.businessDate)} />
      <Fact label="Waiting" value={formatCount(summary.waiting)} />
      {summary.waitingSince && <Fact label="Longest" value={formatAge(summary.waitingSince, now).replace(/ ago$/, "")} />}
      <Fact label={summary.expired ? "Reviews expired" : "Decide by"} value={formatMoment(summary.expiresAt)} />
      {summary.businessNow && !summary.expired && <Fact label="Time left" value={formatLength(summary.businessNow, summary.expiresAt)} />}
      {summary.businessNow && <Fact label="Business clock" value={formatMoment(summary.businessNow)} />}
    </Group>
  );
}

function Fact({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <Text size="xs">{label}</Text>
      <Text size="sm" fw={600} style={{ fontVariantNumeric: "tabular-nums" }}>
        {value}
      </Text>
    </div>
  );
}
