import type { CombinedError } from "urql";

/** Why a page has nothing to show, in the page's terms. */
export type Problem = "down" | "session" | "forbidden" | "bad-input" | "too-slow" | "fault";

export function problemOf(error: CombinedError): Problem {
  if (error.networkError) {
    return (error.response as Response | undefined)?.status === 401 ? "session" : "down";
  }
  const codes = error.graphQLErrors.map((each) => String(each.extensions?.code ?? ""));
  if ((error.response as Response | undefined)?.status === 401) return "session";
  if (codes.includes("FORBIDDEN")) return "forbidden";
  if (codes.some((code) => code === "BAD_INPUT" || code === "BAD_REQUEST")) return "bad-input";
  if (codes.some((code) => code === "TIMEOUT" || code === "TOO_COSTLY")) return "too-slow";
  return "fault";
}

/** For the person who looks it up in the log. */
export function traceOf(error: CombinedError): string | null {
  const answer = error.response as Response | undefined;
  return answer?.headers?.get?.("x-trace-id") ?? null;
}
