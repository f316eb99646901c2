import type { DayNowFragment } from "../api/generated";
import { formatInstant } from "../format/dates";
import { formatCount, formatMoney } from "../format/numbers";
import { laneName, words } from "../format/words";
import type { Seen } from "./decide";

const DONE: Record<string, string> = {
  APPROVE: "approved",
  REJECT: "rejected",
  CLEAR: "cleared",
  REFRESH: "asked for a new analysis of",
};

/** What is different now from what the person saw when they decided, as sentences. */
export function whatChanged(seen: Seen, now: DayNowFragment | null): string[] {
  if (now === null) return [];
  return [...ended(now), ...others(now), ...proposal(seen, now), ...moved(seen, now)];
}

function ended(now: DayNowFragment): string[] {
  if (now.terminalState) {
    const reason = now.terminalReason ? `: ${now.terminalReason}` : "";
    return [`The account's day has ended as ${words(now.terminalState)}${reason}.`.replace(/\.\.$/, ".")];
  }
  return now.stage === "REVIEW" ? [] : [`It has left review: it is in ${words(now.stage)} now.`];
}

function others(now: DayNowFragment): string[] {
  const accepted = now.decisions.filter((each) => each.status === "ACCEPTED");
  return accepted.map((each) => `${each.actor.name} ${DONE[each.kind] ?? "decided on"} it at ${formatInstant(each.decidedAt)}.`);
}

function proposal(seen: Seen, now: DayNowFragment): string[] {
  if (now.proposalHash === seen.proposalHash) return [];
  if (!now.proposal) return ["The proposal that you saw does not stand any more, and there is no other."];
  const trades = `${formatCount(now.proposal.tradeCount)} trades worth ${formatMoney(now.proposal.tradedValue)}`;
  const before = `${formatCount(seen.tradeCount)} worth ${formatMoney(seen.tradedValue)}`;
  return [`Another proposal stands: ${trades}; you saw ${before}.`];
}

function moved(seen: Seen, now: DayNowFragment): string[] {
  if (now.version === seen.version || now.terminalState || now.stage !== "REVIEW") return [];
  return [`It was looked at or analysed again since, and waits in ${laneName(now.lane)}.`];
}
