import { isDate } from "../format/dates";

/** Which days of the history are shown, and as known when: all of it stands in the URL. */
export interface HistoryView {
  since: string | null;
  until: string | null;
  /** An instant in UTC. */
  knownAt: string | null;
  /** The account-day that is open. */
  day: string | null;
}

export function readView(params: URLSearchParams): HistoryView {
  const known = params.get("known");
  return {
    since: dateIn(params.get("since")),
    until: dateIn(params.get("until")),
    knownAt: known !== null && !Number.isNaN(Date.parse(known)) ? new Date(known).toISOString() : null,
    day: params.get("day"),
  };
}

export function writeView(view: HistoryView): URLSearchParams {
  const params = new URLSearchParams();
  if (view.since) params.set("since", view.since);
  if (view.until) params.set("until", view.until);
  if (view.knownAt) params.set("known", view.knownAt);
  if (view.day) params.set("day", view.day);
  return params;
}

function dateIn(text: string | null): string | null {
  return text !== null && isDate(text) ? text : null;
}

/** An instant as a datetime-local field writes it, in the reader's time zone. */
export function toLocalField(instant: string | null): string {
  if (instant === null) return "";
  const at = new Date(instant);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

export function fromLocalField(text: string): string | null {
  return text === "" || Number.isNaN(Date.parse(text)) ? null : new Date(text).toISOString();
}
