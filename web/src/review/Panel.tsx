import { Paper, Title } from "@mantine/core";
import { type ReactNode, useId } from "react";

/** A titled box of the page; a landmark for those who move by headings. */
export function Panel(props: { title: string; children: ReactNode; aside?: ReactNode; id?: string }) {
  const { title, children, aside } = props;
  const id = useId();
  return (
    <Paper component="section" withBorder p="md" aria-labelledby={id} miw={0} id={props.id} style={{ scrollMarginTop: 64 }}>
      <div style={{ display: "flex", justifyContent: "space-between", alignItems: "baseline", gap: 12, marginBottom: 8 }}>
        <Title order={2} fz="sm" id={id}>
          {title}
        </Title>
        {aside}
      </div>
      {children}
    </Paper>
  );
}
