import { Code, CopyButton, UnstyledButton } from "@mantine/core";

/** The beginning of a hash; a click copies all of it, which a pointer shows. */
export function Hash({ hash, name }: { hash: string; name?: string }) {
  return (
    <CopyButton value={hash} timeout={1500}>
      {({ copied, copy }) => (
        <UnstyledButton onClick={copy} title={hash} aria-label={`Copy ${name ?? "hash"} ${hash.slice(0, 10)}`} fz="xs" style={{ whiteSpace: "nowrap" }}>
          {name && <span>{name} </span>}
          <Code fz="xs">{copied ? "copied" : hash.slice(0, 10)}</Code>
        </UnstyledButton>
      )}
    </CopyButton>
  );
}
