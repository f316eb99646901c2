import { createContext, useContext } from "react";
import type { Act, Seen } from "./decide";

export interface Deciding {
  /** Opens the dialog for these account-days; `after` runs once a decision on them counts. */
  ask: (act: Act, days: Seen[], after?: () => void) => void;
  isOpen: boolean;
}

export const DecideContext = createContext<Deciding | null>(null);

export function useDeciding(): Deciding {
  const deciding = useContext(DecideContext);
  if (deciding === null) throw new Error("useDeciding stands outside of the review desk");
  return deciding;
}
