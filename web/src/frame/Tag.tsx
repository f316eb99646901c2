import type { ReactNode } from "react";
import classes from "./Tag.module.css";

export type Tone = "plain" | "good" | "warning" | "bad";

/** A word that stands for a state. The tone repeats what the word says; it never says more. */
export function Tag({ children, tone = "plain" }: { children: ReactNode; tone?: Tone }) {
  return (
    <span className={classes.tag} data-tone={tone}>
      {children}
    </span>
  );
}
