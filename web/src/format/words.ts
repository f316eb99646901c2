/** SCREAMING_WORDS of the API as a reader's words: NO_TRADE is "No trade". */
export function words(code: string): string {
  const text = code.replaceAll("_", " ").toLowerCase();
  return capitalized(text.replace(/\b(ira|uma|sma|ips|isin|cusip)\b/g, (word) => word.toUpperCase()).replace("non discretionary", "non-discretionary"));
}

export function capitalized(text: string): string {
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

/** The API's sentence without what every row says alike. */
export function shortReason(reason: string): string {
  return longReason(reason)
    .replace(/^No filter wants it, so a person looks; not automated since /, "Not automated: ")
    .replace(/^The (\w+) filter wants it: /, (_, name: string) => `${words(name)} filter: `)
    .replace(/\.$/, "");
}

/** The API's sentence with its codes as words. */
export function longReason(reason: string): string {
  return reason.replace(/\b[A-Z]+_[A-Z_]+\b/g, (code) => words(code).toLowerCase());
}
