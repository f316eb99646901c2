import { createContext, useContext } from "react";
import type { ViewerQuery } from "../api/generated";

export type Viewer = NonNullable<ViewerQuery["viewer"]>;

export const ViewerContext = createContext<Viewer | null>(null);

/** Who is signed in. */
export function useViewer(): Viewer {
  const viewer = useContext(ViewerContext);
  if (viewer === null) throw new Error("useViewer stands outside of the frame");
  return viewer;
}

const ROLE_NAMES: Record<string, string> = {
  advisor: "Advisor",
  policy_committee: "Policy committee",
  overlay_manager: "Overlay manager",
  compliance: "Compliance",
  management: "Management",
  data_manager: "Data manager",
  administrator: "Administrator",
};

export function roleName(role: string): string {
  return ROLE_NAMES[role] ?? role;
}
