/**
 * The gRPC health protocol: `grpc.health.v1.Health/Check`, one call without a gRPC library.
 *
 * Both messages have one field, so they are written and read here by the rules of Protocol Buffers:
 * `HealthCheckRequest { string service = 1 }`, `HealthCheckResponse { ServingStatus status = 1 }`.
 * An answer is good when the call succeeds (`grpc-status: 0`) and says `SERVING`.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { PROBE } from "../catalog/defaults.js";

export const GRPC_PATH = "/grpc.health.v1.Health/Check";
export const GRPC_FIELDS = { "content-type": "application/grpc", te: "trailers" } as const;

const SERVING_STATUSES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;
const STATUSES: Readonly<Record<string, string>> = {
  "2": "UNKNOWN",
  "4": "DEADLINE_EXCEEDED",
  "5": "NOT_FOUND: it knows no such service",
  "7": "PERMISSION_DENIED",
  "8": "RESOURCE_EXHAUSTED",
  "12": "UNIMPLEMENTED: it has no health service",
  "13": "INTERNAL",
  "14": "UNAVAILABLE",
  "16": "UNAUTHENTICATED",
};

/** A message in its frame: no compression, and its length. */
export function checkRequest(service: string): Buffer {
  const name = Buffer.from(service);
  // Proto3: a field that is empty is left out.
  const message =
    name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** What is wrong with a whole answer; null for `SERVING`. */
export function wrongIn(body: Buffer): string | null {
  if (body.length < 5 || body.length < 5 + body.readUInt32BE(1)) return "gRPC: a short message";
  if (body[0] !== 0) return "gRPC: a compressed message";
  const said = servingStatus(body.subarray(5, 5 + body.readUInt32BE(1)));
  if (said === null) return "gRPC: not a HealthCheckResponse";
  return said === 1 ? null : `gRPC: ${SERVING_STATUSES[said] ?? `status ${said}`}`;
}

/** The field 1; null where the bytes are no message. Fields that came later are passed over. */
function servingStatus(message: Buffer): number | null {
  const reader = { at: 0 };
  let status = 0;
  while (reader.at < message.length) {
    const key = readVarint(message, reader);
    if (key === null) return null;
    const value = skipOrRead(message, reader, key & 7);
    if (value === null) return null;
    if (key === 8) status = value;
  }
  return status;
}

type Cursor = { at: number };

/** The value of a number, 0 for what is passed over, null where it is cut or unknown. */
function skipOrRead(message: Buffer, reader: Cursor, type: number): number | null {
  if (type === 0) return readVarint(message, reader);
  const length = { 1: 8, 2: readLength, 5: 4 }[type];
  if (length === undefined) return null;
  const bytes = typeof length === "number" ? length : length(message, reader);
  if (bytes === null || reader.at + bytes > message.length) return null;
  reader.at += bytes;
  return 0;
}

function readLength(message: Buffer, reader: Cursor): number | null {
  return readVarint(message, reader);
}

/** Seven bits a byte, the low ones first; at most ten bytes. */
function readVarint(message: Buffer, reader: Cursor): number | null {
  let value = 0;
  for (let index = 0; index < 10; index += 1) {
    const byte = message[reader.at];
    if (byte === undefined) return null;
    reader.at += 1;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return value;
  }
  return null;
}

function varint(value: number): readonly number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

/** Reads an answer: its status is in the head where there is no message, else in the trailers. */
export function judgeGrpc(
  status: number,
  answer: Readable,
  head: IncomingHttpHeaders,
  settle: (wrong: string | null) => void,
): void {
  const inHead = head["grpc-status"];
  const wrong = wrongHead(status, head);
  if (wrong !== null) {
    settle(wrong);
    return;
  }
  const parts: Buffer[] = [];
  let bytes = 0;
  let inTrailers: unknown = inHead;
  answer.once("trailers", (trailers: IncomingHttpHeaders) => {
    inTrailers = trailers["grpc-status"];
  });
  answer.on("data", (part: Buffer) => {
    parts.push(part);
    bytes += part.length;
    if (bytes > PROBE.bodyBytesMax) settle("gRPC: a message that is too long");
  });
  answer.once("end", () => {
    if (inTrailers === "0") settle(wrongIn(Buffer.concat(parts)));
    else if (inTrailers === undefined) settle("gRPC: no grpc-status");
    else settle(statusText(String(inTrailers)));
  });
}

function wrongHead(status: number, head: IncomingHttpHeaders): string | null {
  const said = head["grpc-status"];
  if (status !== 200) return `status ${status}`;
  if (said !== undefined && said !== "0") return statusText(String(said));
  return /^application\/grpc\b/.test(head["content-type"] ?? "") ? null : "not gRPC";
}

function statusText(status: string): string {
  const name = STATUSES[status];
  return `grpc-status ${status}${name === undefined ? "" : ` (${name})`}`;
}
