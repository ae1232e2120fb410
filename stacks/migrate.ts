import { createHash } from "node:crypto";
import { lambda } from "./lambda.js";
import { secrets } from "./secrets.js";

const migrate = lambda("migrate");

/** Not the connection strings themselves: triggers are shown when they change. */
const databases = $resolve([
  secrets.MIGRATE_DATABASE_URL.value,
  secrets.DATABASE_URL.value,
  secrets.RELAY_DATABASE_URL.value,
]).apply((urls) => createHash("sha256").update(urls.join("\n")).digest("hex"));

/**
 * Runs the migrations in the middle of a deployment, before any function gets its new code, whenever the package
 * of the function (the migrations are in it) or a database changed. A migration that fails stops the deployment.
 */
export const migrated = new aws.lambda.Invocation("Migrated", {
  functionName: migrate.name,
  input: "{}",
  triggers: { package: migrate.nodes.function.s3Key.apply((key) => key ?? ""), databases },
});
