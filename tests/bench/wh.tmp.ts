import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startHost } from "../../stacks/local/host.js";
import { openShop } from "./shop.js";
import { measureWebhooks } from "./webhook.js";
const dir = mkdtempSync(join(tmpdir(), "wh-"));
const host = await startHost({ dir, schedules: false, env: { VALIDATE_RESPONSES: "off" } });
try {
  const shop = await openShop(host, 10);
  host.bridge.reset();
  console.log(await measureWebhooks(host, shop, 2000));
  const c = host.bridge.counts();
  console.log(c);
} finally { await host.stop(); rmSync(dir, { recursive: true, force: true }); }
