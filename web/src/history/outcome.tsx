import { Badge } from "@mantine/core";
import { words } from "../format/words";

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

const COLOURS: Record<string, string> = {
  TRADED: "green.9",
  REJECTED: "red.9",
  SUSPENDED: "orange.9",
  HELD: "orange.9",
  BLOCKED: "red.9",
};

/** The same as a badge; the colour repeats what the word says. */
export function Outcome({ day, size = "sm" }: { day: Day; size?: "sm" | "md" }) {
  const colour = COLOURS[day.terminalState ?? day.stage];
  return (
    <Badge size={size} tt="none" fw={600} variant={colour ? "filled" : "default"} color={colour}>
      {outcomeText({ ...day, terminalCode: null })}
    </Badge>
  );
}
