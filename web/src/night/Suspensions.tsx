import { Anchor, Text } from "@mantine/core";
import { Fragment, useState } from "react";
import { Link } from "react-router";
import { useQuery } from "urql";
import { SuspendedAccountsDocument } from "../api/generated";
import { formatDate } from "../format/dates";
import { formatCount } from "../format/numbers";
import { words } from "../format/words";
import { placesOf } from "../frame/places";
import { roleName, useViewer } from "../frame/viewer";
import { historyPath } from "../history/path";
import { Panel } from "../review/Panel";
import { type PlainColumn, PlainTable, SaveButton } from "../table/PlainTable";
import type { SuspensionCount } from "./AtAGlance";
import classes from "./Night.module.css";

const MOST_NAMED = 50;
const lifters = (count: SuspensionCount): string => count.mayBeLiftedBy.map(roleName).join(" or ") || "Nobody: a new file ends it";

/** Why accounts are suspended now, what has to happen, and who may lift it. */
export function Suspensions({ counts }: { counts: readonly SuspensionCount[] }) {
  const readsAccounts = placesOf(useViewer().roles).some((place) => place.path === "/accounts");
  const columns: PlainColumn<SuspensionCount>[] = [
    {
      header: "Reason",
      value: (count) => words(count.code),
      cell: (count) => (
        <div className={classes.wrap}>
          <b>{words(count.code)}</b>
          {count.scope === "FIRM" && <Text span size="xs"> (the whole firm)</Text>}
          {count.reason && (
            <Text size="xs">
              {count.suspensions > 1 && "e.g. "}
              {count.reason}
            </Text>
          )}
          {readsAccounts && count.scope !== "FIRM" && <Accounts count={count} />}
        </div>
      ),
    },
    { header: "Suspensions", value: (count) => String(count.suspensions), cell: (count) => formatCount(count.suspensions), numeric: true },
    { header: "Since", value: (count) => count.since, cell: (count) => <span className="number">{formatDate(count.since)}</span> },
    { header: "Ends when", value: (count) => count.clearedBy, cell: (count) => <Text size="xs">{count.clearedBy}</Text> },
    { header: "May be lifted by", value: lifters },
  ];
  return (
    <Panel id="suspensions" title="Suspensions that stand now" aside={<SaveButton name="suspensions" what="the suspensions" columns={columns} rows={counts} />}>
      <PlainTable
        caption="Open suspensions by reason"
        columns={columns}
        rows={counts}
        keyOf={(count) => `${count.scope}${count.kind}${count.code}`}
        empty="No account is suspended."
        minWidth={640}
      />
    </Panel>
  );
}

/** The accounts behind a count, once they are asked for. */
function Accounts({ count }: { count: SuspensionCount }) {
  const [open, setOpen] = useState(false);
  const [{ data, fetching, error }] = useQuery({
    query: SuspendedAccountsDocument,
    variables: { kind: count.kind, code: count.code, first: MOST_NAMED },
    pause: !open,
  });
  const found = data?.suspensions;
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Text span size="xs">
          Which accounts
        </Text>
      </summary>
      <Text size="xs">
        {fetching && "Loading …"}
        {error && "They could not be read."}
        {found?.edges.map(({ node }, index) => (
          <Fragment key={node.id}>
            {index > 0 && ", "}
            <Anchor component={Link} to={historyPath(node.scopeId)} size="xs">
              {node.scopeId}
            </Anchor>
          </Fragment>
        ))}
        {found?.pageInfo.hasNextPage && ` and more: the first ${MOST_NAMED} are shown`}
      </Text>
    </details>
  );
}
