import { createContext, useCallback, useContext, useEffect, useMemo, useReducer, useRef } from "react";
import { type Client, type CombinedError, useClient, useQuery } from "urql";
import { type LifecycleEvent, useLifecycleEvents } from "../api/events";
import { QueueDayDocument, type QueueRowFragment, ReviewQueueDocument, ReviewSummaryDocument, type ReviewSummaryQuery } from "../api/generated";
import { argumentsOf, type QueueView } from "./view";

/** Rows a request. */
const PAGE = 50;
/** More days than this at once are cheaper read as a queue. */
const MOST_SINGLE_DAYS = 12;
/** A queue of up to so many rows is read anew when an account enters it; a longer one says so and waits. */
const MOST_READ_ANEW = 200;

export interface Queue {
  rows: QueueRowFragment[];
  /** False while the first page is on its way. */
  loaded: boolean;
  /** The rows are still those of the filters and the order before. */
  outdated: boolean;
  hasMore: boolean;
  loadMore: () => void;
  /** Accounts that have entered the queue and are not among `rows` yet. */
  arrived: number;
  summary: ReviewSummaryQuery["reviewSummary"] | undefined;
  error: CombinedError | undefined;
  reload: () => void;
  /** Read these account-days anew; those that wait no more leave the queue. */
  refresh: (ids: readonly string[]) => void;
}

export const QueueContext = createContext<Queue | null>(null);

export function useQueue(): Queue {
  const queue = useContext(QueueContext);
  if (queue === null) throw new Error("useQueue stands outside of the review desk");
  return queue;
}

export interface QueueState {
  rows: readonly QueueRowFragment[];
  loaded: boolean;
  outdated: boolean;
  /** Where the next page begins; null at the end. */
  next: string | null;
  arrived: ReadonlySet<string>;
  error: CombinedError | undefined;
}

export type QueueChange =
  | { kind: "begun" }
  | { kind: "failed"; error: CombinedError }
  | { kind: "read"; rows: QueueRowFragment[]; next: string | null }
  | { kind: "more"; rows: QueueRowFragment[]; next: string | null }
  | { kind: "days"; ids: readonly string[]; days: readonly (QueueRowFragment | null)[] };

export const EMPTY: QueueState = { rows: [], loaded: false, outdated: false, next: null, arrived: new Set(), error: undefined };

export function changed(state: QueueState, change: QueueChange): QueueState {
  switch (change.kind) {
    case "begun":
      return { ...state, outdated: state.loaded };
    case "failed":
      return { ...state, outdated: false, error: change.error };
    case "read":
      return { rows: change.rows, loaded: true, outdated: false, next: change.next, arrived: new Set(), error: undefined };
    case "more": {
      const known = new Set(state.rows.map((row) => row.id));
      const fresh = change.rows.filter((row) => !known.has(row.id));
      return { ...state, rows: [...state.rows, ...fresh], next: change.next, error: undefined };
    }
    case "days":
      return withDays(state, change.ids, change.days);
  }
}

/** The days as they are now: those that wait no more leave, those that are new are counted. */
function withDays(state: QueueState, ids: readonly string[], days: readonly (QueueRowFragment | null)[]): QueueState {
  const now = new Map(ids.map((id, index) => [id, days[index] ?? null]));
  const known = new Set(state.rows.map((row) => row.id));
  const arrived = new Set(state.arrived);
  for (const [id, day] of now) {
    if (day && waits(day) && !known.has(id)) arrived.add(id);
    else arrived.delete(id);
  }
  const rows = state.rows.flatMap((row) => {
    const day = now.get(row.id);
    if (!day) return [row];
    return waits(day) ? [day] : [];
  });
  return { ...state, rows, arrived };
}

export function waits(day: QueueRowFragment): boolean {
  return day.stage === "REVIEW" && day.current && !day.terminalState;
}

/** The queue as far as it was scrolled to, kept up with what happens. */
export function useLiveQueue(view: QueueView): Queue {
  const client = useClient();
  const [state, change] = useReducer(changed, EMPTY);
  const [{ data: summary }, readSummary] = useQuery({ query: ReviewSummaryDocument, requestPolicy: "cache-and-network" });
  const wanted = useMemo(() => argumentsOf(view), [view.lane, view.reason, view.account, view.sort, view.descending]);
  const latest = useRef({ state, wanted, reading: 0 });
  latest.current.state = state;
  latest.current.wanted = wanted;

  const read = useCallback(
    async (after: string | null, pages: number) => {
      const number = ++latest.current.reading;
      const answer = await readPages(client, wanted, after, pages);
      if (number !== latest.current.reading) return; // another view, or a newer reading
      change("error" in answer ? { kind: "failed", ...answer } : { kind: after === null ? "read" : "more", ...answer });
    },
    [client, wanted],
  );

  const reload = useCallback(() => {
    readSummary({ requestPolicy: "network-only" });
    void read(null, Math.max(1, Math.ceil(Math.min(latest.current.state.rows.length, MOST_READ_ANEW) / PAGE)));
  }, [read, readSummary]);

  const busy = useRef(false);
  const loadMore = useCallback(() => {
    const { next } = latest.current.state;
    if (next === null || busy.current) return;
    busy.current = true;
    void read(next, 1).finally(() => {
      busy.current = false;
    });
  }, [read]);

  useEffect(() => {
    change({ kind: "begun" });
    void read(null, 1);
  }, [read]);

  const refresh = useCallback(
    (ids: readonly string[]) => {
      if (ids.length > MOST_SINGLE_DAYS) {
        reload();
        return;
      }
      readSummary({ requestPolicy: "network-only" });
      void Promise.all(ids.map((id) => readDay(client, id))).then((days) => change({ kind: "days", ids, days }));
    },
    [client, reload, readSummary],
  );

  useLifecycleEvents((events) => {
    if (events === null) reload();
    else if (events.length > 0) refresh(daysOf(events));
  });

  useEffect(() => {
    if (state.arrived.size > 0 && state.rows.length <= MOST_READ_ANEW) reload();
  }, [state.arrived, state.rows.length, reload]);

  return useMemo(
    () => ({
      rows: [...state.rows],
      loaded: state.loaded,
      outdated: state.outdated,
      hasMore: state.next !== null,
      loadMore,
      arrived: state.arrived.size,
      summary: summary?.reviewSummary,
      error: state.error,
      reload,
      refresh,
    }),
    [state, summary, loadMore, reload, refresh],
  );
}

type Answer = { rows: QueueRowFragment[]; next: string | null } | { error: CombinedError };

async function readPages(client: Client, wanted: ReturnType<typeof argumentsOf>, after: string | null, pages: number): Promise<Answer> {
  const rows: QueueRowFragment[] = [];
  let next = after;
  for (let page = 0; page < pages; page++) {
    const answer: Answer = await readPage(client, wanted, next);
    if ("error" in answer) return answer;
    rows.push(...answer.rows);
    next = answer.next;
    if (next === null) break;
  }
  return { rows, next };
}

async function readPage(client: Client, wanted: ReturnType<typeof argumentsOf>, after: string | null): Promise<Answer> {
  const variables = { ...wanted, first: PAGE, after };
  const { data, error } = await client.query(ReviewQueueDocument, variables, { requestPolicy: "network-only" }).toPromise();
  if (error) return { error };
  const found = data?.reviewQueue;
  if (!found) return { rows: [], next: null };
  return {
    rows: found.edges.map((edge) => edge.node),
    next: found.pageInfo.hasNextPage ? (found.pageInfo.endCursor ?? null) : null,
  };
}

async function readDay(client: Client, id: string): Promise<QueueRowFragment | null> {
  const { data } = await client.query(QueueDayDocument, { id }, { requestPolicy: "network-only" }).toPromise();
  return data?.accountDay ?? null;
}

function daysOf(events: readonly LifecycleEvent[]): string[] {
  return [...new Set(events.flatMap((event) => (event.accountDayId ? [event.accountDayId] : [])))];
}
