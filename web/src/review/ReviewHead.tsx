import { ActionIcon, Anchor, Button, Group, Kbd, Text, Title } from "@mantine/core";
import { Link } from "react-router";
import { formatDate } from "../format/dates";
import { laneName, words } from "../format/words";
import { Tag } from "../frame/Tag";
import type { Act } from "./decide";
import type { ReviewDay } from "./useReview";

interface Props {
  day: ReviewDay;
  act: (act: Act) => void;
  queuePath: string;
  previous: string | undefined;
  next: string | undefined;
  open: (id: string | undefined) => void;
}

export function ReviewHead({ day, act, queuePath, previous, next, open }: Props) {
  const may = (wanted: string) => (day.permittedActs as readonly string[]).includes(wanted);
  return (
    <Group justify="space-between" mb="md" align="flex-end">
      <div>
        <Anchor component={Link} to={queuePath} size="sm">
          ← Review desk
        </Anchor>
        <Group gap="sm" mt={2}>
          <Title order={1} fz="h3">
            {day.accountId}
          </Title>
          <Tag>{day.terminalState ? `Ended: ${words(day.terminalState)}` : day.stage === "REVIEW" ? laneName(day.lane) : words(day.stage)}</Tag>
          <Text size="sm">{formatDate(day.businessDate)}</Text>
          <Anchor component={Link} to={`/accounts/${encodeURIComponent(day.accountId)}`} size="sm">
            History
          </Anchor>
        </Group>
      </div>
      <Group gap="xs">
        <ActionIcon variant="default" size="lg" aria-label="Previous account" disabled={!previous} onClick={() => open(previous)}>
          <span aria-hidden>‹</span>
        </ActionIcon>
        <ActionIcon variant="default" size="lg" aria-label="Next account" disabled={!next} onClick={() => open(next)} mr="sm">
          <span aria-hidden>›</span>
        </ActionIcon>
        {may("REFRESH") && <ActButton label="Analyse again" hotkey="n" run={() => act("refresh")} />}
        {may("CLEAR") && <ActButton label="Clear" hotkey="c" run={() => act("clear")} primary />}
        <ActButton label="Approve" hotkey="a" run={() => act("approve")} disabled={!may("APPROVE")} primary />
        <ActButton label="Reject" hotkey="r" run={() => act("reject")} disabled={!may("REJECT")} />
        <ActButton label="Suspend" hotkey="s" run={() => act("suspend")} disabled={!may("SUSPEND")} />
      </Group>
    </Group>
  );
}

function ActButton(props: { label: string; hotkey: string; run: () => void; disabled?: boolean; primary?: boolean }) {
  const { label, hotkey, run, disabled = false, primary = false } = props;
  return (
    <Button
      variant={primary ? "filled" : "default"}
      onClick={run}
      disabled={disabled}
      aria-keyshortcuts={hotkey}
      rightSection={
        <Kbd size="xs" aria-hidden>
          {hotkey}
        </Kbd>
      }
    >
      {label}
    </Button>
  );
}
