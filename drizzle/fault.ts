/** The reason that the server, or a socket, gave for a failed statement. */
export interface Fault {
  /** SQLSTATE, or a code of Node's sockets. */
  code: string;
  constraint?: string;
}

/** The server's own error, inside the errors that wrap it; undefined when there is none. */
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

/** Serialization failure, deadlock, lock timeout: the transaction is rolled back, and may be run again. */
export const isContention = (error: unknown) => ["40001", "40P01", "55P03"].includes(faultOf(error)?.code ?? "");

/** The statement took longer than the `statement_timeout` of its role. */
export const isTimeout = (error: unknown) => faultOf(error)?.code === "57014";

/**
 * The server does not know a prepared statement any more (26000: a pooler or a failover lost it), or must not run its
 * plan (0A000: a migration changed the types of its columns). Nothing of the transaction has happened.
 */
export function isLostStatement(error: unknown): boolean {
  const code = faultOf(error)?.code;
  return code === "26000" || (code === "0A000" && /cached plan/.test(messageOf(error)));
}

/** The message of the innermost error. */
function messageOf(error: unknown): string {
  let message = "";
  for (let inner = error; inner instanceof Error; inner = inner.cause as unknown) message = inner.message;
  return message;
}

/**
 * Class 08 (connection), 53 (resources), 57P0x (shutdown), 25P03 and 25P04 (the server ended an idle transaction, such as
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
