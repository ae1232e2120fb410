export interface Head {
  readonly value?: unknown;
  readonly deadline?: number;
  readonly ready?: true;
  readonly error?: { name: string; message: string; stack?: string };
}
export function encodeFrame(value: unknown, rest?: Omit<Head, "value">): Buffer;
export function readFrames(onFrame: (head: Head, body: Buffer) => void): (chunk: Buffer) => void;
