import { Alert, Button, Group, Text } from "@mantine/core";
import type { CombinedError } from "urql";
import { problemOf } from "../api/problem";

/** Over figures that could not be read anew: they stay, and say that they are old. */
export function StaleBanner({ error, retry }: { error: CombinedError | undefined; retry: () => void }) {
  if (error === undefined || problemOf(error) === "session") return null;
  const what = problemOf(error) === "down" ? "trimtab does not answer." : "The newest state could not be read.";
  return (
    <Alert color="orange" role="alert" mb="sm" py="xs">
      <Group justify="space-between">
        <Text size="sm">{what} What you see is as of the last answer.</Text>
        <Button size="compact-sm" variant="default" onClick={retry}>
          Try again
        </Button>
      </Group>
    </Alert>
  );
}
