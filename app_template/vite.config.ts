import { cloudflare } from "@cloudflare/vite-plugin";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  // Relative, since the app answers below a path, /app/NAME/, as well as at a host of its own.
  base: "./",
  plugins: [react(), cloudflare()],
});
