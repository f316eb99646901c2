import { Chip, Group, SegmentedControl, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { type RefObject, useEffect, useState } from "react";
import type { Lane } from "../api/generated";
import { formatCount } from "../format/numbers";
import { capitalized, laneName } from "../format/words";
import type { Queue } from "./useQueue";
import type { QueueView } from "./view";

interface Props {
  view: QueueView;
  summary: Queue["summary"];
  change: (changes: Partial<QueueView>) => void;
  searchRef: RefObject<HTMLInputElement | null>;
}

/** Lanes and reasons with their counts, and a search: what is chosen stands in the URL. */
export function QueueFilters({ view, summary, change, searchRef }: Props) {
  return (
    <Group mb="xs" gap="sm" role="search" aria-label="Filter the queue" align="center">
      <SegmentedControl
        size="xs"
        aria-label="Lane"
        value={view.lane ?? "ALL"}
        onChange={(lane) => change({ lane: lane === "ALL" ? null : (lane as Lane) })}
        data={lanesOf(summary)}
      />
      <Search value={view.account} onSearch={(account) => change({ account })} inputRef={searchRef} />
      <Text size="xs" id="reasons">
        Why
      </Text>
      <Group gap={6} role="group" aria-labelledby="reasons">
        {reasonsOf(summary, view.lane).map(([code, label, accounts]) => (
          <Chip
            key={code}
            size="xs"
            checked={view.reason === code}
            onChange={(checked) => change({ reason: checked ? code : null })}
            variant="outline"
          >
            {capitalized(label)} {formatCount(accounts)}
          </Chip>
        ))}
      </Group>
    </Group>
  );
}

function lanesOf(summary: Queue["summary"]) {
  const counts = new Map(summary?.lanes.map((lane) => [lane.name.toUpperCase(), lane.accounts]));
  const lanes = ["REVIEW", "COMPLIANCE"].map((lane) => ({
    value: lane,
    label: `${laneName(lane)} ${formatCount(counts.get(lane) ?? 0)}`,
  }));
  return [{ value: "ALL", label: `All ${formatCount(summary?.waiting ?? 0)}` }, ...lanes];
}

/** Reasons of the lane, or of all lanes together, most frequent first. */
function reasonsOf(summary: Queue["summary"], lane: Lane | null): [string, string, number][] {
  const counts = new Map<string, [string, number]>();
  for (const reason of summary?.reasons ?? []) {
    if (lane !== null && reason.lane !== lane) continue;
    counts.set(reason.code, [reason.label, (counts.get(reason.code)?.[1] ?? 0) + reason.accounts]);
  }
  return [...counts]
    .map(([code, [label, accounts]]): [string, string, number] => [code, label, accounts])
    .sort((a, b) => b[2] - a[2] || a[1].localeCompare(b[1]));
}

function Search(props: { value: string; onSearch: (text: string) => void; inputRef: RefObject<HTMLInputElement | null> }) {
  const [text, setText] = useState(props.value);
  const search = useDebouncedCallback(props.onSearch, 250);
  useEffect(() => setText(props.value), [props.value]);
  return (
    <TextInput
      size="xs"
      w={150}
      ref={props.inputRef}
      aria-label="Account number begins with"
      placeholder="Account A000…"
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        search(event.currentTarget.value);
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") event.currentTarget.blur();
      }}
    />
  );
}
