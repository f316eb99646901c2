import { Button, Center, Code, Group, Stack, Text, Title } from "@mantine/core";
import { useEffect } from "react";

export interface Action {
  label: string;
  run: () => void;
}

interface Props {
  title: string;
  /** What happened. */
  what: string;
  /** What to do. */
  todo: string;
  detail?: string | null;
  actions?: Action[];
}

export function FullPageMessage({ title, what, todo, detail, actions = [] }: Props) {
  useEffect(() => {
    document.title = `${title} · trimtab`;
  }, [title]);
  return (
    <Center mih="60vh" p="md">
      <Stack maw="34rem" gap="sm" role="alert">
        <Title order={1} fz="h2">
          {title}
        </Title>
        <Text>{what}</Text>
        <Text>{todo}</Text>
        {detail ? (
          <Code block style={{ whiteSpace: "pre-wrap" }}>
            {detail}
          </Code>
        ) : null}
        <Group>
          {actions.map((action) => (
            <Button key={action.label} onClick={action.run}>
              {action.label}
            </Button>
          ))}
        </Group>
      </Stack>
    </Center>
  );
}
