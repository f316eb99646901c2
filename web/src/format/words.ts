/** SCREAMING_WORDS of the API as a reader's words: NO_TRADE is "No trade". */
export function words(code: string): string {
  const text = code.replaceAll("_", " ").toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const LANES: Record<string, string> = {
  AUTOMATED: "Automated",
  REVIEW: "Review",
  COMPLIANCE: "Compliance review",
  SUSPEND: "Suspend",
  NO_TRADE: "No trade",
};

export function laneName(lane: string | null | undefined): string {
  return lane ? (LANES[lane] ?? words(lane)) : "–";
}
