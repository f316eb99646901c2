import { useQuery } from "urql";
import { useLifecycleEvents } from "../api/events";
import { type DayShownFragment, HistoryDayDocument, HistoryDaysDocument } from "../api/generated";
import { usePages } from "../api/pages";
import type { HistoryView } from "./view";

const PAGE = 50;

/** The account's days in the view, newest first. */
export function useDays(account: string, view: HistoryView) {
  const { since, until, knownAt } = view;
  const days = usePages(HistoryDaysDocument, { account, since, until, knownAt, first: PAGE }, (data) => data.account?.history);
  const { reload } = days;
  useLifecycleEvents((events) => {
    const touched = events === null || events.some((event) => event.accountId === account);
    if (touched && knownAt === null) reload();
  });
  return days;
}

/** One day with everything in it; null when the account has none of this id. Not asked for without a date. */
export function useDay(account: string, on: string | undefined, id: string | undefined, knownAt: string | null) {
  const [{ data, error, fetching }, again] = useQuery({
    query: HistoryDayDocument,
    variables: { account, on: on ?? "", knownAt },
    pause: on === undefined,
  });
  const reload = () => again({ requestPolicy: "network-only" });
  useLifecycleEvents((events) => {
    const touched = events === null || events.some((event) => event.accountId === account);
    if (touched && knownAt === null && on !== undefined) reload();
  });
  const edges = data?.account?.history?.edges ?? [];
  const day: DayShownFragment | null = edges.find((edge) => edge.node.id === id)?.node ?? null;
  return { day, error, loading: fetching && day === null, reload };
}
