import { Alert, Button, Modal, Stack, Text } from "@mantine/core";
import { useState } from "react";
import type { Session } from "./session";

/** Over whatever is on the screen, which stays as it is: filters, selection and half-written reasons. */
export default function SessionEnded({ session }: { session: Session }) {
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const again = async () => {
    setBusy(true);
    setProblem(null);
    try {
      await session.signInAgain();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : "The sign-in did not work.");
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal
      opened
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      title="Your session has ended"
      zIndex={1000}
    >
      <Stack gap="md">
        <Text>Sign in again to go on where you are. Nothing that you have typed or selected is lost.</Text>
        {problem !== null && (
          <Alert color="red" role="alert" title="That did not work">
            {problem}
          </Alert>
        )}
        <Button onClick={again} loading={busy} data-autofocus>
          Sign in again
        </Button>
      </Stack>
    </Modal>
  );
}
