import { createTheme } from "@mantine/core";

/** Shades chosen so that every text keeps a contrast of 4.5 to 1 in both schemes. */
export const theme = createTheme({
  primaryColor: "blue",
  primaryShade: { light: 8, dark: 8 },
  autoContrast: true,
  defaultRadius: "sm",
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif",
  fontSmoothing: false,
  respectReducedMotion: true,
  headings: { fontWeight: "600" },
});
