import { useCallback, useEffect, useRef } from "react";
import { useQuery } from "urql";
import { useLifecycleEvents } from "../api/events";
import { BlockedStepsDocument, NightAlertsDocument, NightDocument, NightRunsDocument } from "../api/generated";
import { usePages } from "../api/pages";
import type { Viewer } from "../frame/viewer";

/** A night's burst of events is one reading a second, not a thousand. */
const QUIET_MS = 1_000;
const POLL_MS = 5_000;
const PAGE = 50;

/** Administrators get no events (row 43): their page reads anew by the clock. */
export const polls = (viewer: Viewer): boolean => viewer.roles.every((role) => role === "administrator");

/** The night of a business date, of the newest one without it; follows what happens. */
export function useNight(on: string | null, allAlerts: boolean, viewer: Viewer) {
  const [night, again] = useQuery({ query: NightDocument, variables: { on } });
  const [runs, runsAgain] = useQuery({ query: NightRunsDocument });
  const date = night.data?.run?.businessDate ?? on;
  const blocked = usePages(BlockedStepsDocument, { first: PAGE }, (data) => data.blockedSteps);
  const alerts = usePages(NightAlertsDocument, { on: date, unacknowledged: !allAlerts, first: PAGE }, (data) => data.alerts);
  const reload = useCallback(() => {
    again({ requestPolicy: "network-only" });
    blocked.reload();
    alerts.reload();
  }, [again, blocked.reload, alerts.reload]);
  const reloadSoon = useSpaced(reload);
  const polling = polls(viewer);
  useLifecycleEvents((events) => {
    if (polling) return;
    reloadSoon();
    if (events === null || events.some((event) => event.kind.startsWith("RUN_"))) runsAgain({ requestPolicy: "network-only" });
  });
  useEffect(() => {
    if (!polling) return undefined;
    const timer = window.setInterval(reload, POLL_MS);
    return () => window.clearInterval(timer);
  }, [polling, reload]);
  return { night, dates: runs.data?.runs?.edges.map((edge) => edge.node.businessDate) ?? [], blocked, alerts, reload };
}

/** `run` at once, and then no oftener than once in QUIET_MS. */
function useSpaced(run: () => void): () => void {
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  const timer = useRef<number | undefined>(undefined);
  const wanted = useRef(false);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  return useCallback(() => {
    const go = () => {
      wanted.current = false;
      latest.current();
      timer.current = window.setTimeout(() => {
        timer.current = undefined;
        if (wanted.current) go();
      }, QUIET_MS);
    };
    if (timer.current === undefined) go();
    else wanted.current = true;
  }, []);
}
