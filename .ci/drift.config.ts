import config from "../drizzle/kit.config.js";

/** The same tables, written beside a copy of the committed migrations. */
export default { ...config, out: ".stoa/drift" };
