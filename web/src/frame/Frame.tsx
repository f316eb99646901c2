import { ActionIcon, AppShell, Box, Button, Group, Text, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { useSyncExternalStore } from "react";
import { Link, NavLink, Outlet } from "react-router";
import { useQuery } from "urql";
import { ViewerDocument } from "../api/generated";
import { useConnected } from "../session/SessionProvider";
import classes from "./Frame.module.css";
import { placesOf } from "./places";
import { ApiProblem } from "./Problems";
import { roleName, type Viewer, ViewerContext } from "./viewer";
import { Waiting } from "./Waiting";

/** Around every page: where one may go, who one is, and whether the figures are live. */
export function Frame() {
  const [{ data, error, fetching }, again] = useQuery({ query: ViewerDocument });
  const viewer = data?.viewer;
  if (!viewer) {
    if (error) return <ApiProblem error={error} retry={() => again({ requestPolicy: "network-only" })} />;
    return fetching ? <Waiting label="Loading" fullPage /> : null;
  }
  return (
    <ViewerContext value={viewer}>
      <a href="#content" className={classes.skip}>
        Skip to content
      </a>
      <AppShell header={{ height: 52 }} padding={0}>
        <AppShell.Header className={classes.header}>
          <Header viewer={viewer} />
        </AppShell.Header>
        <AppShell.Main>
          <Box id="content" tabIndex={-1} className={classes.content}>
            <Outlet />
          </Box>
        </AppShell.Main>
      </AppShell>
    </ViewerContext>
  );
}

function Header({ viewer }: { viewer: Viewer }) {
  return (
    <Group h="100%" px="md" justify="space-between" wrap="nowrap">
      <Group gap="lg" wrap="nowrap" miw={0}>
        <Link to="/" className={classes.brand}>
          trimtab
        </Link>
        <nav aria-label="Pages" className={classes.pages}>
          <Group gap={4} wrap="nowrap">
            {placesOf(viewer.roles).map((place) => (
              <NavLink key={place.path} to={place.path} className={classes.link}>
                {place.label}
              </NavLink>
            ))}
          </Group>
        </nav>
      </Group>
      <Group gap="sm" wrap="nowrap">
        <Live />
        <SchemeToggle />
        <Person viewer={viewer} />
      </Group>
    </Group>
  );
}

function Live() {
  const { live } = useConnected().api;
  const up = useSyncExternalStore(live.subscribe, live.isUp);
  return (
    <Text size="xs" className={classes.live} data-up={up} role="status">
      {up ? "● Live" : "○ Not live"}
    </Text>
  );
}

function SchemeToggle() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  const other = scheme === "light" ? "dark" : "light";
  return (
    <ActionIcon variant="default" size="md" aria-label={`Use ${other} colours`} onClick={() => setColorScheme(other)}>
      <span aria-hidden>{scheme === "light" ? "☾" : "☀"}</span>
    </ActionIcon>
  );
}

function Person({ viewer }: { viewer: Viewer }) {
  const { session } = useConnected();
  const represented = viewer.onBehalfOf ? `for ${viewer.onBehalfOf.name}, ` : "";
  return (
    <Group gap="sm" wrap="nowrap">
      <div className={classes.person} title={`Firm ${viewer.firmId}`}>
        <Text size="sm" fw={600}>
          {viewer.person.name}
        </Text>
        <Text size="xs">
          {represented}
          {viewer.roles.map(roleName).join(", ")}
        </Text>
      </div>
      <Button size="compact-sm" variant="default" onClick={() => void session.signOut()}>
        Sign out
      </Button>
    </Group>
  );
}
