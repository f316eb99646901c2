import { Anchor, Box, Group, Stack, Text, TextInput, Title } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { useLifecycleEvents } from "../api/events";
import { type AccountRowFragment, AccountsDocument } from "../api/generated";
import { usePages } from "../api/pages";
import { formatDate } from "../format/dates";
import { laneName, words } from "../format/words";
import { ApiProblem } from "../frame/Problems";
import { StaleBanner } from "../frame/StaleBanner";
import { Tag } from "../frame/Tag";
import { useTitle } from "../frame/title";
import { useKeys } from "../frame/useKeys";
import { Waiting } from "../frame/Waiting";
import { NOTHING } from "../format/numbers";
import { type Column, DataTable } from "../table/DataTable";
import { Outcome } from "./outcome";
import { historyPath } from "./path";

const PAGE = 50;
/** A list of up to so many rows follows the events by itself. */
const MOST_READ_ANEW = 100;

/** Every account that one may see, and how its newest day stands. */
export default function AccountsPage() {
  useTitle("Accounts");
  const [params, setParams] = useSearchParams();
  const search = params.get("search") ?? "";
  const accounts = usePages(AccountsDocument, { search, first: PAGE }, (data) => data.accounts);
  const [activeId, setActiveId] = useState<string | null>(null);
  const box = useRef<HTMLInputElement>(null);
  const { rows } = accounts;
  useLifecycleEvents((events) => {
    const shown = new Set(rows.map((row) => row.accountId));
    const touched = events === null || events.some((event) => event.accountId && shown.has(event.accountId));
    if (touched && rows.length <= MOST_READ_ANEW) accounts.reload();
  });
  const move = (step: number) => {
    const at = rows.findIndex((row) => row.id === activeId);
    const next = at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step));
    setActiveId(rows[next]?.id ?? null);
  };
  useKeys({ j: () => move(1), k: () => move(-1), "/": () => box.current?.focus() });
  if (accounts.error && !accounts.loaded) return <ApiProblem error={accounts.error} retry={accounts.reload} />;
  return (
    <Box p="md">
      <Group justify="space-between" mb="xs">
        <Title order={1} fz="h3">
          Accounts
        </Title>
        <Search value={search} onSearch={(text) => setParams(text ? { search: text } : {}, { replace: true })} boxRef={box} />
      </Group>
      <StaleBanner error={accounts.error} retry={accounts.reload} />
      {accounts.loaded ? (
        <DataTable
          caption="Accounts"
          columns={COLUMNS}
          rows={rows}
          idOf={(row) => row.id}
          labelOf={(row) => row.accountId}
          sorting={[]}
          activeId={activeId}
          onActive={setActiveId}
          onEnd={accounts.hasMore ? accounts.loadMore : undefined}
          height="calc(100vh - 164px)"
          empty={<NoAccount search={search} />}
        />
      ) : (
        <Waiting label="Loading accounts" />
      )}
      <Text size="xs" mt={6}>
        Keys: j and k move, Enter opens, / searches.
      </Text>
    </Box>
  );
}

type Row = AccountRowFragment;
const text = (id: string, header: string, width: string, of: (row: Row) => string | null | undefined): Column<Row> => ({
  id,
  header,
  enableSorting: false,
  accessorFn: (row: Row) => of(row) || NOTHING,
  meta: { width },
});

const COLUMNS: Column<Row>[] = [
  {
    id: "account",
    header: "Account",
    enableSorting: false,
    accessorFn: (row: Row) => row.accountId,
    cell: ({ row }) => (
      <Anchor component={Link} to={historyPath(row.original.accountId)} fw={600} size="sm">
        {row.original.accountId}
      </Anchor>
    ),
    meta: { width: "120px" },
  },
  text("household", "Household", "120px", (row) => row.householdId),
  text("advisor", "Advisor", "100px", (row) => row.advisorId),
  text("programme", "Programme", "130px", (row) => row.programme && words(row.programme)),
  text("registration", "Registration", "160px", (row) => row.registration && words(row.registration)),
  text("model", "Model", "140px", (row) => row.modelId && words(row.modelId)),
  text("date", "Newest day", "120px", (row) => row.latestDay && formatDate(row.latestDay.businessDate)),
  {
    id: "outcome",
    header: "How it stands",
    enableSorting: false,
    accessorFn: (row: Row) => row.latestDay?.stage ?? NOTHING,
    cell: ({ row }) => (row.original.latestDay ? <Outcome day={row.original.latestDay} /> : NOTHING),
    meta: { width: "150px" },
  },
  text("lane", "Lane", "150px", (row) => laneName(row.latestDay?.lane)),
  {
    id: "suspensions",
    header: "Suspended for",
    enableSorting: false,
    accessorFn: (row: Row) => row.openSuspensions.length,
    cell: ({ row }) =>
      row.original.openSuspensions.map((each) => (
        <Tag key={each.id} tone="warning">
          {words(each.code)}
        </Tag>
      )),
  },
];

function Search(props: { value: string; onSearch: (text: string) => void; boxRef: React.RefObject<HTMLInputElement | null> }) {
  const [typed, setTyped] = useState(props.value);
  const search = useDebouncedCallback(props.onSearch, 250);
  useEffect(() => setTyped(props.value), [props.value]);
  return (
    <TextInput
      ref={props.boxRef}
      w={320}
      size="sm"
      type="search"
      aria-label="Account, household or advisor begins with"
      placeholder="Account, household or advisor begins with …"
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        search(event.currentTarget.value.trim());
      }}
    />
  );
}

function NoAccount({ search }: { search: string }) {
  return (
    <Stack align="center" p="xl" gap="xs">
      <Text fw={600}>{search ? `No account begins with “${search}”` : "There is no account yet"}</Text>
      <Text size="sm">
        {search ? "Numbers of accounts, households and advisors are searched from their beginning." : "Accounts come with the first accounts file."}
      </Text>
    </Stack>
  );
}
