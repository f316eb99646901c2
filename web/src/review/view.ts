import type { SortingState } from "@tanstack/react-table";
import type { QueueRowFragment } from "../api/generated";
import { reasonKeys, waitingSince } from "./reasons";

/** What of the queue is shown, and in which order: all of it stands in the URL. */
export interface QueueView {
  lane: string | null;
  reason: string | null;
  text: string;
  sorting: SortingState;
}

const DEFAULT_SORT = "waiting";

export function readView(params: URLSearchParams): QueueView {
  const sort = params.get("sort") ?? DEFAULT_SORT;
  return {
    lane: params.get("lane"),
    reason: params.get("reason"),
    text: params.get("q") ?? "",
    sorting: [{ id: sort.replace(/^-/, ""), desc: sort.startsWith("-") }],
  };
}

/** The parameters with the changes in them; what is as without parameters is left out. */
export function writeView(params: URLSearchParams, changes: Partial<QueueView>): URLSearchParams {
  const next = new URLSearchParams(params);
  const put = (name: string, value: string | null | undefined) => {
    if (value) next.set(name, value);
    else next.delete(name);
  };
  if ("lane" in changes) put("lane", changes.lane);
  if ("reason" in changes) put("reason", changes.reason);
  if ("text" in changes) put("q", changes.text);
  if (changes.sorting) {
    const [first] = changes.sorting;
    const word = first ? `${first.desc ? "-" : ""}${first.id}` : DEFAULT_SORT;
    put("sort", word === DEFAULT_SORT ? null : word);
  }
  return next;
}

/** Rows of the view's filters, without its lane when lanes are to be counted. */
export function filtered(rows: readonly QueueRowFragment[], view: QueueView, but?: "lane" | "reason"): QueueRowFragment[] {
  const text = view.text.trim().toLowerCase();
  return rows.filter(
    (row) =>
      (but === "lane" || view.lane === null || row.lane === view.lane) &&
      (but === "reason" || view.reason === null || reasonKeys(row).includes(view.reason)) &&
      (text === "" || searched(row).includes(text)),
  );
}

function searched(row: QueueRowFragment): string {
  return `${row.accountId} ${row.account?.householdId ?? ""} ${row.account?.advisorId ?? ""} ${row.account?.programme ?? ""}`.toLowerCase();
}

type Key = string | number;

/** What each column sorts by. Figures become floats for that alone. */
export const SORT_KEYS: Record<string, (row: QueueRowFragment) => Key> = {
  account: (row) => row.accountId,
  lane: (row) => row.lane ?? "",
  why: (row) => row.filtering?.reason ?? "",
  advisor: (row) => row.account?.advisorId ?? "",
  trades: (row) => row.proposal?.tradeCount ?? 0,
  traded: (row) => Number(row.proposal?.tradedValue ?? 0),
  tax: (row) => Number(row.proposal?.tax ?? 0),
  benefit: (row) => Number(row.proposal?.benefitBps ?? 0),
  waiting: (row) => waitingSince(row) ?? "",
};

/** In the view's order, the account's id deciding between equals: the same as the table shows. */
export function sorted(rows: readonly QueueRowFragment[], sorting: SortingState): QueueRowFragment[] {
  const [first] = sorting;
  const key = SORT_KEYS[first?.id ?? DEFAULT_SORT] ?? SORT_KEYS.account;
  const sign = first?.desc ? -1 : 1;
  if (key === undefined) return [...rows];
  return [...rows].sort((a, b) => sign * compare(key(a), key(b)) || compare(a.accountId, b.accountId));
}

function compare(a: Key, b: Key): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
