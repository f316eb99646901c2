import { useEffect, useRef, useSyncExternalStore } from "react";
import { useClient } from "urql";
import { useConnected } from "../session/SessionProvider";
import { LifecycleEventsDocument, type LifecycleEventsSubscription } from "./generated";

export type LifecycleEvent = Extract<LifecycleEventsSubscription["lifecycleEvents"], { __typename: "LifecycleEvent" }>;

const SETTLE_MS = 250;

/**
 * Calls `onEvents` with what has happened since the last call, a quarter of a second after the first of it: a night's
 * burst is one call, not a thousand. null instead of events says that some may have been missed, as while the connection
 * or the session was gone: read everything anew.
 */
export function useLifecycleEvents(onEvents: (events: LifecycleEvent[] | null) => void): void {
  const client = useClient();
  const { session, api } = useConnected();
  const revivals = useSyncExternalStore(session.subscribe, session.revivals);
  const latest = useRef(onEvents);
  useEffect(() => {
    latest.current = onEvents;
  });
  useEffect(() => {
    let events: LifecycleEvent[] = [];
    let gap = false;
    let timer: number | undefined;
    const tell = () => {
      const told = gap ? null : events;
      [events, gap, timer] = [[], false, undefined];
      latest.current(told);
    };
    const subscription = client.subscription(LifecycleEventsDocument, {}).subscribe(({ data, error }) => {
      const delivery = data?.lifecycleEvents;
      if (delivery?.__typename === "LifecycleEvent") events.push(delivery);
      else if (delivery !== undefined || error !== undefined) gap = true;
      timer ??= window.setTimeout(tell, SETTLE_MS);
    });
    if (revivals > 0) latest.current(null);
    let stoodOnce = api.live.isUp();
    const forget = api.live.subscribe(() => {
      if (!api.live.isUp()) return;
      if (stoodOnce) latest.current(null); // it is back: what happened meanwhile was not told
      stoodOnce = true;
    });
    return () => {
      forget();
      subscription.unsubscribe();
      window.clearTimeout(timer);
    };
  }, [client, api, revivals]);
}
