import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// No dev server: tokens come back to the API's own address alone. `npm run watch` builds beneath a running API.
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../trimtab/_web",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the policy allows no data: fonts or scripts
    modulePreload: { polyfill: false }, // an inline script, which the policy refuses
    target: "es2023",
    cssTarget: ["chrome125", "firefox125", "safari17.5"], // light-dark() stays as it is written
    chunkSizeWarningLimit: 800,
  },
});
