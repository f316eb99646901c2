import type { QueueRowFragment } from "../api/generated";
import { words } from "../format/words";

const FIELDS: Record<string, string> = {
  account_value: "Account size",
  turnover: "Turnover",
  tax_bps: "Tax",
  discretionary: "Not discretionary",
  is_mandate: "Not a mandate",
  score: "Low score",
  outcome: "Conflicting rules",
  under_compliance_review: "Under compliance review",
  tracking_error: "Tracking error",
  has_data_error: "Data error",
};

/** Why an account is in the queue, as keys that can be counted and stand in a URL. */
export function reasonKeys(row: QueueRowFragment): string[] {
  const matched = (row.filtering?.matched ?? {}) as Record<string, unknown>;
  return Object.entries(matched).flatMap(([field, value]) =>
    field === "flags" && Array.isArray(value) ? value.map((flag) => `flag:${String(flag)}`) : [field],
  );
}

export function reasonLabel(key: string): string {
  return key.startsWith("flag:") ? words(key.slice(5)) : (FIELDS[key] ?? words(key));
}

/** How many rows have each reason, most frequent first. */
export function countReasons(rows: readonly QueueRowFragment[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const row of rows) for (const key of reasonKeys(row)) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
}

/** The instant since which the account waits: its latest pass into review. */
export function waitingSince(row: QueueRowFragment): string | null {
  return row.stages.findLast((pass) => pass.wentTo === "REVIEW" || pass.wentTo === "review")?.at ?? null;
}

/** Approvals that count, of the proposal that stands. */
export function approvals(row: QueueRowFragment): QueueRowFragment["decisions"] {
  return row.decisions.filter(
    (each) => each.kind === "APPROVE" && each.status === "ACCEPTED" && each.proposalHash === row.proposalHash,
  );
}
