import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { installPlatform } from "./platform.js";

const run = promisify(execFile);
const program = fileURLToPath(new URL("program.mjs", import.meta.url));

/** What sst.config.ts answers to `app({ stage })`. */
interface App {
  readonly name: string;
  readonly home: string;
  readonly removal: string;
  readonly protect: boolean;
  readonly providers: { readonly aws: { readonly region: string } };
}

export interface Resource {
  readonly type: string;
  readonly name: string;
  /** False for SST's components, which only group resources. */
  readonly custom: boolean;
  /** Names of the resources that must be done before it. */
  readonly dependsOn: readonly string[];
  readonly retainOnDelete: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: the inputs of every kind of resource; the tests know each shape.
  readonly inputs: any;
}

export interface Synthesis {
  readonly stage: string;
  readonly app: App;
  readonly resources: readonly Resource[];
}

/** Stand-ins, each recognisable, so that a test can see where a secret's value ends up. */
export const secrets = {
  DatabaseUrl: "postgresql://stoa_app:secret-app@db-pooler.test/stoa",
  RelayDatabaseUrl: "postgresql://stoa_relay:secret-relay@db-pooler.test/stoa",
  MigrateDatabaseUrl: "postgresql://owner:secret-owner@db.test/stoa",
  TokenKeys: '{"keys":["secret-token-keys"]}',
  DataKey: "secret-data-key-secret-data-key-secret-data",
  StripeSecretKey: "sk_test_secret_stripe",
  StripePublishableKey: "pk_test_stripe",
  StripeWebhookSecrets: "whsec_secret_platform",
  StripeConnectWebhookSecrets: "whsec_secret_connect",
  MailFrom: "orders@shop.test",
};

/** As SST bundles the config itself: ESM for Node with these externals and this banner. */
const bundling = (root: string, platform: string) =>
  ({
    bundle: true,
    format: "esm",
    platform: "node",
    mainFields: ["module", "main"],
    logLevel: "error",
    nodePaths: [join(platform, "node_modules")],
    external: [
      "@pulumi/*",
      "undici",
      "@pulumiverse/*",
      "@sst-provider/*",
      "@aws-sdk/*",
      "esbuild",
      "archiver",
      "glob",
      "vite",
    ],
    absWorkingDir: root,
  }) satisfies BuildOptions;

const banner = [
  `import { createRequire as topLevelCreateRequire } from "module";`,
  `import { fileURLToPath as topLevelFileUrlToPath, URL as topLevelURL } from "url";`,
  `const require = topLevelCreateRequire(import.meta.url);`,
  `const __filename = topLevelFileUrlToPath(import.meta.url);`,
  `const __dirname = topLevelFileUrlToPath(new topLevelURL(".", import.meta.url));`,
].join("\n");

/** Asks sst.config.ts what it is, as the CLI does before anything else. */
async function readApp(root: string, platform: string, stage: string): Promise<App> {
  const outfile = join(platform, `app.${process.pid}.${stage}.mjs`);
  const code = `import config from "./sst.config.ts"; console.log(JSON.stringify(await config.app({ stage: ${JSON.stringify(stage)} })));`;
  await build({
    ...bundling(root, platform),
    stdin: { contents: code, resolveDir: root, loader: "ts" },
    banner: { js: `${banner}\nfunction $config(input) { return input; }` },
    outfile,
  });
  try {
    return JSON.parse((await run(process.execPath, [outfile])).stdout);
  } finally {
    await rm(outfile, { force: true });
  }
}

/** What SST's CLI adds to the files of the project: the providers and `sst` as names that need no import. */
function globals(root: string, platform: string, providers: readonly { alias: string; package: string }[]): Plugin {
  const imports = [
    ...providers.map((provider) => `import * as ${provider.alias} from "${provider.package}";`),
    `import * as sst from "${platform}/src/components";`,
  ].join("\n");
  return {
    name: "sst-globals",
    setup({ onLoad, onResolve }) {
      onResolve({ filter: /^stoa:config$/ }, () => ({ path: join(root, "sst.config.ts") }));
      onResolve({ filter: /^stoa:run$/ }, () => ({ path: join(platform, "src/auto/run.ts") }));
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (path.startsWith(platform) || path.includes("node_modules")) return undefined;
        return { contents: `${imports}\n${await readFile(path, "utf8")}`, loader: "ts" };
      });
    },
  };
}

/** The CLI's side of a deployment: components ask it to build a handler, and get one that is not theirs. */
async function startCli(artifact: string) {
  await mkdir(artifact);
  await writeFile(join(artifact, "bundle.mjs"), "export const handler = async () => {};\n");
  const server = createServer(async (request, response) => {
    const { method } = JSON.parse(Buffer.concat(await request.toArray()).toString());
    const built = { out: artifact, handler: "bundle.handler", errors: [], sourcemaps: [] };
    response.end(JSON.stringify({ result: method === "Runtime.Build" ? built : {} }));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop: () => server.close() };
}

/** Runs the real sst.config.ts on the real platform without AWS; answers every resource that it would ask for. */
export async function synthesize(root: string, stage: string): Promise<Synthesis> {
  const platform = await installPlatform(root);
  const app = await readApp(root, platform, stage);
  const work = await mkdtemp(join(tmpdir(), "sst-synthesis-"));
  const outfile = join(platform, `synthesis.${process.pid}.${stage}.mjs`);
  const cli = await startCli(join(work, "artifact"));
  try {
    const providers = JSON.parse(await readFile(join(root, ".sst/provider-lock.json"), "utf8"));
    const paths = { home: work, root, work, platform };
    await build({
      ...bundling(root, platform),
      entryPoints: [program],
      plugins: [globals(root, platform, providers)],
      inject: [join(platform, "src/shim/run.js")],
      define: {
        $app: JSON.stringify({ ...app, stage }),
        $cli: JSON.stringify({ command: "deploy", dev: false, paths, state: { version: {} } }),
        $dev: "false",
      },
      banner: { js: banner },
      outfile,
    });
    const out = join(work, "resources.json");
    const values = Object.fromEntries(Object.entries(secrets).map(([name, value]) => [`SST_SECRET_${name}`, value]));
    await run(process.execPath, [outfile], {
      cwd: root,
      env: { ...process.env, ...values, SST_SERVER: cli.url, SYNTHESIS_OUT: out },
    });
    return { stage, app, resources: JSON.parse(await readFile(out, "utf8")) };
  } finally {
    cli.stop();
    await rm(outfile, { force: true });
    await rm(work, { recursive: true, force: true });
  }
}
