import { Alert, Button, List } from "@mantine/core";
import { changeInLocale } from "../format/sentences";
import type { Change } from "./useReview";

/** The account has moved on since this page was opened: what changed, and the way to what stands now. */
export function MovedOn({ changes, again }: { changes: readonly Change[]; again: () => void }) {
  if (changes.length === 0) return null;
  return (
    <Alert color="orange" role="alert" mb="md" title="This account has moved on since you opened it">
      <List size="sm" mb="xs">
        {changes.map((change) => (
          <List.Item key={change.sentence}>{changeInLocale(change)}</List.Item>
        ))}
      </List>
      <Button size="xs" variant="default" onClick={again}>
        Show it as it stands now
      </Button>
    </Alert>
  );
}
