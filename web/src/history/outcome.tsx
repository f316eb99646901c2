import { words } from "../format/words";
import { Tag, type Tone } from "../frame/Tag";

interface Day {
  stage: string;
  terminalState?: string | null;
  terminalCode?: string | null;
}

/** How the day ended or where it stands, in words; TRADED (PARTIAL) is "Traded, partial". */
export function outcomeText(day: Day): string {
  if (!day.terminalState) return standing(day.stage);
  const code = day.terminalCode && day.terminalCode !== "FULL" ? `, ${words(day.terminalCode).toLowerCase()}` : "";
  return `${words(day.terminalState)}${code}`;
}

function standing(stage: string): string {
  if (stage === "REVIEW") return "In review";
  if (stage === "SUSPENDED" || stage === "BLOCKED") return words(stage);
  return `At ${words(stage).toLowerCase()}`;
}

const TONES: Record<string, Tone> = {
  TRADED: "good",
  REJECTED: "bad",
  SUSPENDED: "warning",
  HELD: "warning",
  BLOCKED: "bad",
};

/** The same as a tag. */
export function Outcome({ day }: { day: Day }) {
  return <Tag tone={TONES[day.terminalState ?? day.stage]}>{outcomeText({ ...day, terminalCode: null })}</Tag>;
}
