import { useCallback, useEffect, useState } from "react";
import { type CombinedError, useClient } from "urql";
import { useLifecycleEvents } from "../api/events";
import { type ReviewChangesQuery, ReviewChangesDocument, ReviewDocument, type ReviewQuery } from "../api/generated";

export type ReviewDay = NonNullable<ReviewQuery["accountDay"]>;
export type Change = NonNullable<ReviewChangesQuery["accountDay"]>["changesSince"][number];

interface State {
  id: string;
  day: ReviewDay | null;
  loading: boolean;
  error: CombinedError | undefined;
  changes: Change[];
}

/**
 * One review as it was when it was opened. When the account moves on beneath the reader, the page stays what they read
 * and says what has changed; `again` shows what stands now.
 */
export function useReview(id: string): State & { again: () => void } {
  const client = useClient();
  const [round, setRound] = useState(0);
  const [state, setState] = useState<State>({ id, day: null, loading: true, error: undefined, changes: [] });
  const again = useCallback(() => setRound((number) => number + 1), []);
  useEffect(() => {
    let wanted = true;
    // Of the same review everything stays, also what has changed, until the newer one is there.
    setState((before) => (before.id === id ? { ...before, loading: true } : { ...before, id, loading: true, day: null, changes: [] }));
    void client
      .query(ReviewDocument, { id }, { requestPolicy: "network-only" })
      .toPromise()
      .then(({ data, error }) => {
        if (!wanted) return;
        setState((before) => ({ id, day: data?.accountDay ?? (error ? before.day : null), loading: false, error, changes: [] }));
      });
    return () => {
      wanted = false;
    };
  }, [client, id, round]);

  const look = useCallback(async () => {
    const { day } = state;
    if (!day) return;
    const seen = { id, seenHash: day.proposalHash ?? "", seenVersion: day.version };
    const { data } = await client.query(ReviewChangesDocument, seen, { requestPolicy: "network-only" }).toPromise();
    const now = data?.accountDay;
    if (!now || (now.version === day.version && now.stage === day.stage && now.changesSince.length === 0)) return;
    setState((before) => (before.day === day ? { ...before, changes: now.changesSince } : before));
  }, [client, id, state]);

  useLifecycleEvents((events) => {
    if (events === null || events.some((event) => event.accountDayId === id)) void look();
  });
  return { ...state, again };
}
