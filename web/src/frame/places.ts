/** The pages, and whose they are. The API refuses what is not theirs; here it is only not offered. */
export interface Place {
  path: string;
  label: string;
  roles: readonly string[];
}

export const PLACES: readonly Place[] = [
  { path: "/review", label: "Review desk", roles: ["overlay_manager", "compliance"] },
  { path: "/night", label: "The night", roles: ["data_manager", "overlay_manager", "administrator"] },
  {
    path: "/accounts",
    label: "Accounts",
    roles: ["compliance", "advisor", "policy_committee", "management", "overlay_manager", "data_manager"],
  },
];

/** What a role opens with; a person of two roles gets the first that stands here. */
const LANDINGS: readonly (readonly [string, string])[] = [
  ["overlay_manager", "/review"],
  ["compliance", "/review"],
  ["data_manager", "/night"],
  ["administrator", "/night"],
  ["advisor", "/accounts"],
  ["policy_committee", "/accounts"],
  ["management", "/accounts"],
];

export function landingOf(roles: readonly string[]): string {
  return LANDINGS.find(([role]) => roles.includes(role))?.[1] ?? "/accounts";
}

export function placesOf(roles: readonly string[]): Place[] {
  return PLACES.filter((place) => place.roles.some((role) => roles.includes(role)));
}
