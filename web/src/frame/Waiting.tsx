import { Center, Loader, Stack, Text } from "@mantine/core";

/** Says that something is on its way, also to a screen reader. */
export function Waiting({ label, fullPage = false }: { label: string; fullPage?: boolean }) {
  return (
    <Center mih={fullPage ? "60vh" : "8rem"} role="status" aria-live="polite">
      <Stack align="center" gap="xs">
        <Loader size="sm" aria-hidden />
        <Text size="sm">{label} …</Text>
      </Stack>
    </Center>
  );
}
