/** `--quick` shows that everything runs, also on a busy machine; its figures say nothing. */
export const quick = process.argv.includes("--quick");
/** `--peers` measures Medusa and Vendure beside the system. */
export const wantsPeers = process.argv.includes("--peers");
/** `--write` adds the run to docs/bench.md. */
export const wantsRow = process.argv.includes("--write");

/** Of the load under which throughput is measured; environments of the API, too. */
export const CONNECTIONS = quick ? 4 : 16;
