import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
import { type Client, type CombinedError, useClient } from "urql";
import { type LifecycleEvent, useLifecycleEvents } from "../api/events";
import { QueueDayDocument, type QueueRowFragment, ReviewQueueDocument } from "../api/generated";

/** Most that the API gives at once. */
const PAGE = 100;
/** More days than this at once are cheaper read as a whole queue. */
const MOST_SINGLE_DAYS = 12;

export interface Queue {
  rows: QueueRowFragment[];
  /** How many there are; more than `rows` while the rest is on its way. */
  total: number;
  complete: boolean;
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

type Rows = ReadonlyMap<string, QueueRowFragment>;

/** The whole queue, page after page, kept up with what happens. */
export function useLiveQueue(): Queue {
  const client = useClient();
  const [rows, setRows] = useState<Rows>(new Map());
  const [total, setTotal] = useState(0);
  const [complete, setComplete] = useState(false);
  const [error, setError] = useState<CombinedError>();
  const [round, setRound] = useState(0);
  const known = useRef(rows);
  known.current = rows;

  const reload = useCallback(() => setRound((number) => number + 1), []);

  useEffect(() => {
    let wanted = true;
    const read = async () => {
      setComplete(false);
      const found = new Map<string, QueueRowFragment>();
      for await (const page of pages(client)) {
        if (!wanted) return;
        if ("error" in page) {
          setError(page.error);
          return;
        }
        for (const row of page.rows) found.set(row.id, row);
        setError(undefined);
        setTotal(page.total);
        // The first reading shows what has come; a later one replaces what stands only as a whole.
        if (round === 0 || known.current.size === 0) setRows(new Map(found));
      }
      setRows(found);
      setTotal(found.size);
      setComplete(true);
    };
    void read();
    return () => {
      wanted = false;
    };
  }, [client, round]);

  const refresh = useCallback(
    (ids: readonly string[]) => {
      if (ids.length > MOST_SINGLE_DAYS) {
        reload();
        return;
      }
      void Promise.all(ids.map((id) => readDay(client, id))).then((days) => {
        setRows((before) => merged(before, ids, days));
      });
    },
    [client, reload],
  );

  useLifecycleEvents((events) => {
    if (events === null) reload();
    else refresh(daysOf(events));
  });

  useEffect(() => {
    if (complete) setTotal(rows.size);
  }, [rows, complete]);

  return useMemo(
    () => ({ rows: [...rows.values()], total, complete, error, reload, refresh }),
    [rows, total, complete, error, reload, refresh],
  );
}

type Page = { rows: QueueRowFragment[]; total: number } | { error: CombinedError };

async function* pages(client: Client): AsyncGenerator<Page> {
  let after: string | null = null;
  do {
    const { data, error } = await client
      .query(ReviewQueueDocument, { first: PAGE, after }, { requestPolicy: "network-only" })
      .toPromise();
    const connection = data?.reviewQueue;
    if (error || !connection) {
      if (error) yield { error };
      return;
    }
    yield { rows: connection.edges.map((edge) => edge.node), total: connection.totalCount };
    after = connection.pageInfo.hasNextPage ? (connection.pageInfo.endCursor ?? null) : null;
  } while (after !== null);
}

async function readDay(client: Client, id: string): Promise<QueueRowFragment | null> {
  const { data } = await client.query(QueueDayDocument, { id }, { requestPolicy: "network-only" }).toPromise();
  return data?.accountDay ?? null;
}

function daysOf(events: readonly LifecycleEvent[]): string[] {
  return [...new Set(events.flatMap((event) => (event.accountDayId ? [event.accountDayId] : [])))];
}

/** `before` with the days as they are now. Those that were not to be had stay as they were. */
export function merged(before: Rows, ids: readonly string[], days: readonly (QueueRowFragment | null)[]): Rows {
  const after = new Map(before);
  let changed = false;
  ids.forEach((id, index) => {
    const day = days[index];
    if (!day) return;
    if (waits(day)) after.set(day.id, day);
    else if (!after.delete(id)) return;
    changed = true;
  });
  return changed ? after : before;
}

export function waits(day: QueueRowFragment): boolean {
  return day.stage === "REVIEW" && day.current && !day.terminalState;
}
