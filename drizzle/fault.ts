/** Runs a batch once more when the connection failed: a socket may have died while the environment was frozen. */
export const onceMore = <T>(run: () => Promise<T>): Promise<T> =>
  run().catch((error: unknown) => {
    if (!isConnectionError(error)) throw error;
    return run();
  });

/** What the server said about a failed statement. */
export interface Fault {
  /** SQLSTATE, or a code of Node's sockets. */
  code: string;
  constraint?: string;
}

/** The server's own error inside whatever wrapped it on the way; undefined when it is none. */
export function faultOf(error: unknown): Fault | undefined {
  for (
    let inner = error;
    inner instanceof Error;
    inner = inner.cause ?? (inner as { sourceError?: unknown }).sourceError
  ) {
    const { code, constraint } = inner as Error & Partial<Fault>;
    if (typeof code === "string") return constraint ? { code, constraint } : { code };
  }
  return undefined;
}

/** Serialization failure, deadlock, lock not had in time: the transaction is gone, and may be run again. */
export const isContention = (error: unknown) => ["40001", "40P01", "55P03"].includes(faultOf(error)?.code ?? "");

/** The statement took longer than its role may take. */
export const isTimeout = (error: unknown) => faultOf(error)?.code === "57014";

/**
 * Class 08 (connection), 53 (resources), 57P0x (shutdown), 25P03 and 25P04 (a transaction that the server gave up, as
 * that of a frozen environment), sockets and timeouts of the driver.
 */
export function isConnectionError(error: unknown): boolean {
  const code = faultOf(error)?.code;
  if (code && /^(08|53|57P0|25P0[34]|E[A-Z]{4,}$|UND_ERR)/.test(code)) return true;
  for (
    let inner = error;
    inner instanceof Error;
    inner = inner.cause ?? (inner as { sourceError?: unknown }).sourceError
  ) {
    if (
      /connection (terminated|error|closed)|not queryable|timeout exceeded|Query read timeout|fetch failed|HTTP status 5\d\d|WebSocket|Error connecting/i.test(
        inner.message,
      )
    )
      return true;
  }
  return error !== null && typeof error === "object" && !(error instanceof Error) && "type" in error;
}
