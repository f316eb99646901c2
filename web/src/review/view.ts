import type { SortingState } from "@tanstack/react-table";
import type { Lane, ReviewOrder, ReviewQueueQueryVariables } from "../api/generated";

/** What of the queue is shown, and in which order: all of it stands in the URL. */
export interface QueueView {
  lane: Lane | null;
  reason: string | null;
  account: string;
  /** A column's id. */
  sort: string;
  descending: boolean;
}

export const ORDERS: Record<string, ReviewOrder> = {
  account: "ACCOUNT",
  waiting: "WAITING",
  value: "ACCOUNT_VALUE",
  traded: "TRADED_VALUE",
  drift: "DRIFT",
  tax: "TAX",
  benefit: "BENEFIT",
};

const LANES: readonly string[] = ["REVIEW", "COMPLIANCE"];
const DEFAULT_SORT = "waiting";

export function readView(params: URLSearchParams): QueueView {
  const word = params.get("sort") ?? DEFAULT_SORT;
  const sort = word.replace(/^-/, "");
  const lane = params.get("lane");
  return {
    lane: lane !== null && LANES.includes(lane) ? (lane as Lane) : null,
    reason: params.get("reason"),
    account: params.get("account") ?? "",
    sort: sort in ORDERS ? sort : DEFAULT_SORT,
    descending: word.startsWith("-"),
  };
}

/** The parameters with the changes in them; what is as without parameters is left out. */
export function writeView(params: URLSearchParams, changes: Partial<QueueView>): URLSearchParams {
  const view = { ...readView(params), ...changes };
  const next = new URLSearchParams();
  if (view.lane) next.set("lane", view.lane);
  if (view.reason) next.set("reason", view.reason);
  if (view.account.trim()) next.set("account", view.account.trim());
  const word = `${view.descending ? "-" : ""}${view.sort}`;
  if (word !== DEFAULT_SORT) next.set("sort", word);
  return next;
}

export function sortingOf(view: QueueView): SortingState {
  return [{ id: view.sort, desc: view.descending }];
}

/** The view as the API's arguments. */
export function argumentsOf(view: QueueView): Pick<ReviewQueueQueryVariables, "lane" | "filter" | "sort"> {
  return {
    lane: view.lane,
    filter: { reason: view.reason, account: view.account.trim().toUpperCase() || null },
    sort: { by: ORDERS[view.sort] ?? "WAITING", descending: view.descending },
  };
}
