/**
 * Interim answers (1xx) on their way to the client.
 *
 * RFC 9110 §15.2: a proxy forwards them, but for those that answer its own request for one.
 */
import { type ServerResponse, STATUS_CODES } from "node:http";
import { fieldsOverHttp2 } from "../core/fields.js";
import { connectionOptions, fieldInfo } from "./field-info.js";
import { streamOf } from "./http2.js";

/** How Node itself writes interim answers; it keeps the order among pipelined ones. */
type RawWriter = { readonly _writeRaw?: (text: string, encoding: "latin1") => boolean };

/** Passes an interim answer on, where the client can take one. */
export function writeInformation(
  res: ServerResponse,
  status: number,
  rawHeaders: readonly string[],
): void {
  // 100 answers our own expectation, not the client's; HTTP/1.0 knows no interim answers.
  if (status === 100 || res.headersSent) return;
  const fields = passedFields(rawHeaders);
  const stream = streamOf(res);
  if (stream !== null) {
    if (status === 101 || stream.destroyed || stream.closed) return;
    try {
      stream.additionalHeaders({ ":status": status, ...fieldsOverHttp2(fields) });
    } catch {
      // Node refuses it; the answer itself is still to come, and does without.
    }
    return;
  }
  if (res.req.httpVersion !== "1.1") return;
  let lines = "";
  for (let index = 0; index < fields.length; index += 2) {
    lines += `${fields[index]}: ${fields[index + 1]}\r\n`;
  }
  const text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines}\r\n`;
  (res as unknown as RawWriter)._writeRaw?.(text, "latin1");
}

function passedFields(rawHeaders: readonly string[]): readonly string[] {
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && /^connection$/i.test(name));
  const named = connectionOptions(at === -1 ? undefined : rawHeaders[at + 1]);
  const fields: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const { lower, use } = fieldInfo(name);
    if (use !== "pass" || named.has(lower)) continue;
    fields.push(name, rawHeaders[index + 1] as string);
  }
  return fields;
}
