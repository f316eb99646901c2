import { useCallback, useEffect, useRef, useState } from "react";
import { type AnyVariables, type CombinedError, type TypedDocumentNode, useClient } from "urql";

/** A connection of the API, as far as paging needs it. */
export interface Connection<Row> {
  pageInfo: { hasNextPage: boolean; endCursor?: string | null };
  edges: { node: Row }[];
}

export interface Pages<Data, Row> {
  rows: Row[];
  /** The last answer, for what stands beside the rows. */
  data: Data | undefined;
  /** False while the first page is on its way. */
  loaded: boolean;
  hasMore: boolean;
  loadMore: () => void;
  error: CombinedError | undefined;
  /** Reads what is shown anew, as many pages as there are. */
  reload: () => void;
}

interface State<Data, Row> {
  key: string;
  rows: Row[];
  pages: number;
  next: string | null;
  data: Data | undefined;
  loaded: boolean;
  error: CombinedError | undefined;
}

/** The rows of a connection, page by page; other variables begin anew, and rows stay while they are read again. */
export function usePages<Data, Variables extends AnyVariables & { after?: string | null }, Row>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  connectionOf: (data: Data) => Connection<Row> | null | undefined,
): Pages<Data, Row> {
  const client = useClient();
  const key = JSON.stringify(variables);
  const [state, setState] = useState<State<Data, Row>>(() => empty(key));
  const latest = useRef({ state, connectionOf });
  latest.current = { state, connectionOf };
  const turn = useRef(0);

  const read = useCallback(
    async (after: string | null, pages: number) => {
      const mine = ++turn.current;
      const begun = latest.current.state;
      let rows: Row[] = after === null ? [] : begun.rows;
      let next = after;
      let data: Data | undefined;
      for (let page = 0; page < pages; page++) {
        const given = { ...(JSON.parse(key) as Variables), after: next };
        const answer = await client.query(document, given, { requestPolicy: "network-only" }).toPromise();
        if (turn.current !== mine) return;
        if (answer.error || !answer.data) {
          const { error } = answer;
          setState((before) => (before.key === key ? { ...before, error } : { ...empty<Data, Row>(key), error }));
          return;
        }
        data = answer.data;
        const found = latest.current.connectionOf(data);
        rows = [...rows, ...(found?.edges.map((edge) => edge.node) ?? [])];
        next = found?.pageInfo.hasNextPage ? (found.pageInfo.endCursor ?? null) : null;
        if (next === null) break;
      }
      const known = after === null ? 0 : begun.pages;
      setState({ key, rows, pages: known + pages, next, data, loaded: true, error: undefined });
    },
    [client, document, key],
  );

  useEffect(() => {
    void read(null, 1);
  }, [read]);

  const reload = useCallback(() => void read(null, Math.max(1, latest.current.state.pages)), [read]);
  const loadMore = useCallback(() => {
    const { next } = latest.current.state;
    if (next !== null) void read(next, 1);
  }, [read]);
  const shown = state.key === key ? state : { ...empty<Data, Row>(key), data: state.data };
  return { rows: shown.rows, data: shown.data, loaded: shown.loaded, hasMore: shown.next !== null, loadMore, error: shown.error, reload };
}

function empty<Data, Row>(key: string): State<Data, Row> {
  return { key, rows: [], pages: 0, next: null, data: undefined, loaded: false, error: undefined };
}
