import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: ["./core/**/*.sql.ts", "./plugins/**/*.sql.ts"],
  out: "./drizzle/migrations",
});
