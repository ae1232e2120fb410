// One execution environment: loads a bundle and answers one request at a time, as the runtime of Lambda does.
// Plain JavaScript, because its start is the cold start. argv: file, export.
import { randomBytes, randomUUID } from "node:crypto";
import { Socket } from "node:net";
import { pathToFileURL } from "node:url";
import { encodeFrame, readFrames } from "./frame.mjs";

/** Largest answer of a synchronous invocation: 6 MB (AWS Lambda quotas). */
const largestAnswer = 6 * 1024 * 1024;
const [file = "", name = ""] = process.argv.slice(2);

const host = new Socket({ fd: 3 });
// The host has ended, so no caller is left.
host.on("close", () => process.exit(0));
host.on("error", () => process.exit(0));
// Ctrl-C reaches the whole process group; the host decides when its environments end.
process.on("SIGINT", () => {});

const { [name]: handler } = await import(pathToFileURL(file).href);
if (typeof handler !== "function") throw new Error(`${file} exports no function "${name}".`);

function contextOf(deadline, requestId) {
  return {
    callbackWaitsForEmptyEventLoop: false,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: "$LATEST",
    invokedFunctionArn: `arn:aws:lambda:${process.env.AWS_REGION}:000000000000:function:${process.env.AWS_LAMBDA_FUNCTION_NAME}`,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    awsRequestId: requestId,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

const failure = (error) => encodeFrame(null, { error });

async function answer(event, deadline) {
  try {
    const hex = randomBytes(20).toString("hex");
    const time = Math.floor(Date.now() / 1000).toString(16);
    process.env._X_AMZN_TRACE_ID = `Root=1-${time}-${hex.slice(0, 24)};Parent=${hex.slice(24)};Sampled=0`;
    const value = (await handler(event, contextOf(deadline, randomUUID()))) ?? null;
    const frame = encodeFrame(value);
    if (frame.length > largestAnswer / 6 && Buffer.byteLength(JSON.stringify(value)) > largestAnswer)
      return failure({ name: "Function.ResponseSizeTooLarge", message: "Response payload size exceeded 6 MB." });
    return frame;
  } catch (error) {
    const { name = "Error", message = String(error), stack } = error instanceof Error ? error : {};
    // The runtime of Lambda writes this line.
    console.error(
      JSON.stringify({ level: "ERROR", message: "Invoke Error", errorType: name, errorMessage: message, stack }),
    );
    return failure({ name, message, stack });
  }
}

host.on(
  "data",
  readFrames(async ({ value, deadline }, body) => {
    const event = body.length > 0 ? { ...value, body: body.toString() } : value;
    host.write(await answer(event, deadline));
  }),
);
host.write(encodeFrame(null, { ready: true }));
