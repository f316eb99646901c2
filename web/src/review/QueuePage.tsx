import { Box, Button, Group, Stack, Text, Title } from "@mantine/core";
import type { SortingState } from "@tanstack/react-table";
import { useEffect, useMemo, useRef, useState } from "react";
import { useSearchParams } from "react-router";
import { ApiProblem } from "../frame/Problems";
import { StaleBanner } from "../frame/StaleBanner";
import { useTitle } from "../frame/title";
import { useKeys } from "../frame/useKeys";
import { Waiting } from "../frame/Waiting";
import { DataTable, toggled } from "../table/DataTable";
import { BulkBar } from "./BulkBar";
import { columnsAt } from "./columns";
import type { Act } from "./decide";
import { useDeciding } from "./deciding";
import { QueueFilters } from "./QueueFilters";
import { QueueHead } from "./QueueHead";
import { useNow } from "./useNow";
import { useQueue } from "./useQueue";
import { ORDERS, readView, sortingOf, writeView } from "./view";

export default function QueuePage() {
  useTitle("Review desk");
  const queue = useQueue();
  const [params, setParams] = useSearchParams();
  const view = useMemo(() => readView(params), [params]);
  const [selected, setSelected] = useState<Set<string>>(new Set());
  const [activeId, setActiveId] = useState<string | null>(null);
  const search = useRef<HTMLInputElement>(null);
  const { ask, isOpen } = useDeciding();
  const now = useNow();
  const { rows } = queue;
  const columns = useMemo(() => columnsAt(now, params), [now, params]);

  useEffect(() => {
    // What has left the queue is selected no more.
    setSelected((before) => {
      const standing = new Set(rows.map((row) => row.id));
      return [...before].every((id) => standing.has(id)) ? before : new Set([...before].filter((id) => standing.has(id)));
    });
  }, [rows]);

  const change = (changes: Parameters<typeof writeView>[1]) => setParams((before) => writeView(before, changes), { replace: true });
  const move = (step: number) => {
    if (isOpen || rows.length === 0) return;
    const at = rows.findIndex((row) => row.id === activeId);
    const next = at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step));
    setActiveId(rows[next]?.id ?? null);
    if (next > rows.length - 10) queue.loadMore();
  };
  const chosen = () => {
    const marked = rows.filter((row) => selected.has(row.id));
    return marked.length > 0 ? marked : rows.filter((row) => row.id === activeId);
  };
  const act = (wanted: Act) => {
    if (isOpen) return;
    const following = rows[rows.findIndex((row) => row.id === activeId) + 1]?.id ?? null;
    ask(wanted, chosen(), () => {
      setSelected(new Set());
      if (following) setActiveId(following);
    });
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    x: () => activeId && setSelected((before) => toggled(before, activeId)),
    a: () => act("approve"),
    r: () => act("reject"),
    s: () => act("suspend"),
    c: () => act("clear"),
    "/": () => search.current?.focus(),
    Escape: () => !isOpen && setSelected(new Set()),
  });

  if (queue.error && !queue.loaded) return <ApiProblem error={queue.error} retry={queue.reload} />;
  return (
    <Box p="md">
      <Group justify="space-between" mb="xs" align="flex-end">
        <Title order={1} fz="h3">
          Review desk
        </Title>
        <QueueHead summary={queue.summary} now={now} />
      </Group>
      <StaleBanner error={queue.error} retry={queue.reload} />
      <QueueFilters view={view} summary={queue.summary} change={change} searchRef={search} />
      <BulkBar
        selected={selected.size}
        shown={rows.length}
        hasMore={queue.hasMore}
        arrived={queue.arrived}
        act={act}
        clear={() => setSelected(new Set())}
        reload={queue.reload}
      />
      {!queue.loaded ? (
        <Waiting label="Loading the queue" />
      ) : (
        <DataTable
          caption="Accounts that wait for a decision"
          columns={columns}
          rows={rows}
          idOf={(row) => row.id}
          labelOf={(row) => row.accountId}
          sorting={sortingOf(view)}
          onSorting={(sorting: SortingState) => {
            const [first] = sorting;
            if (first && first.id in ORDERS) change({ sort: first.id, descending: first.desc });
          }}
          selected={selected}
          onSelected={setSelected}
          activeId={activeId}
          onActive={setActiveId}
          onEnd={queue.hasMore ? queue.loadMore : undefined}
          busy={queue.outdated}
          height="calc(100vh - 252px)"
          empty={<NothingWaits filtered={view.lane !== null || view.reason !== null || view.account !== ""} clear={() => setParams({}, { replace: true })} />}
        />
      )}
      <Text size="xs" mt={6}>
        Keys: j and k move, Enter opens, x selects, a approves, r rejects, s suspends, ? shows all.
      </Text>
    </Box>
  );
}

function NothingWaits({ filtered, clear }: { filtered: boolean; clear: () => void }) {
  return (
    <Stack align="center" p="xl" gap="xs">
      <Text fw={600}>{filtered ? "Nothing in the queue matches" : "Nothing waits for a decision"}</Text>
      <Text size="sm">
        {filtered ? "Other accounts may wait outside of these filters." : "What the night sends here appears by itself."}
      </Text>
      {filtered && (
        <Button variant="default" size="xs" onClick={clear}>
          Show everything
        </Button>
      )}
    </Stack>
  );
}
