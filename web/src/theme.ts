import { type CSSVariablesResolver, createTheme } from "@mantine/core";

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
  components: {
    Modal: {
      defaultProps: {
        // A dialog's title bar is no banner of the page.
        attributes: { header: { role: "presentation" } },
        closeButtonProps: { "aria-label": "Close" },
      },
    },
  },
});

/** The paler texts, dark enough (or light enough) to be read. */
export const readable: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#5a6169",
    "--mantine-color-placeholder": "#6a7178",
    "--mantine-color-error": "#c92a2a",
    "--mantine-color-orange-light-color": "#9a3412",
    "--mantine-color-red-light-color": "#a61e1e",
  },
  dark: { "--mantine-color-dimmed": "#a9a9a9", "--mantine-color-placeholder": "#9a9a9a", "--mantine-color-error": "#ff8787" },
});
