import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npm run dev` on port 5173 against a running demo: set TRIMTAB_API to its address.
const api = process.env.TRIMTAB_API ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../trimtab/_web",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the policy allows no data: fonts or scripts
    modulePreload: { polyfill: false }, // an inline script, which the policy refuses
    target: "es2023",
    chunkSizeWarningLimit: 800,
  },
  server: {
    proxy: {
      "/graphql": { target: api, ws: true },
      "/oauth": api,
      "/.well-known": api,
      "/pages.json": api,
    },
  },
});
