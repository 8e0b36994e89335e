/**
 * Asks an upstream of another protocol in its own words: uwsgi, SCGI, AJP, memcached, HTTP/2. One
 * question that changes nothing, and the first bytes of the answer.
 */
import type { Socket } from "node:net";
import type { FailureCode } from "../../../catalog/failures.js";
import type { DiagnosisStep } from "../../../diagnosis/diagnosis-report.js";
import type { Spoken } from "../world/endpoint.js";
import { type Line, open } from "./line.js";

export interface SpokenAsked {
  readonly protocol: Spoken;
  /** Null when it answered in its protocol. */
  readonly code: FailureCode | null;
  readonly detail: string;
  /** The first bytes, as latin1; empty when nothing came. */
  readonly firstBytes: string;
  /** Of protocols that carry the answer of an application. */
  readonly status: number | null;
  readonly steps: readonly DiagnosisStep[];
}

interface Protocol {
  readonly name: string;
  readonly question: (line: Line) => Buffer;
  /** What it says in words; null while more must come, false for another protocol. */
  readonly read: (bytes: Buffer) => string | null | false;
}

/** Enough of an answer for its first line. */
const BYTES_MAX = 16_384;

const PROTOCOLS: Readonly<Record<Exclude<Spoken, "tcp">, Protocol>> = {
  // uWSGI: modifier1 0, the size of the variables, modifier2 0, then each with its length.
  uwsgi: {
    name: "uwsgi",
    question: ({ endpoint: { path, authority } }) => {
      const parts = Object.entries(variablesOf(path, authority)).flatMap(sized);
      const body = Buffer.concat(parts);
      const head = Buffer.alloc(4);
      head.writeUInt16LE(body.length, 1);
      return Buffer.concat([head, body]);
    },
    read: statusLine,
  },
  scgi: {
    name: "SCGI",
    question: ({ endpoint: { path, authority } }) => {
      const all = { CONTENT_LENGTH: "0", SCGI: "1", ...variablesOf(path, authority) };
      const text = Object.entries(all)
        .map(([name, value]) => `${name}\0${value}\0`)
        .join("");
      return Buffer.from(`${Buffer.byteLength(text)}:${text},`);
    },
    read: statusLine,
  },
  // AJP13: CPing (10) is answered by CPong (9), whatever the application does.
  ajp: {
    name: "AJP",
    question: () => Buffer.from([0x12, 0x34, 0, 1, 10]),
    read: (bytes) => {
      if (bytes.length < 5) return begins(bytes, "AB") ? null : false;
      return begins(bytes, "AB") && bytes[4] === 9 ? "CPong" : false;
    },
  },
  memcached: {
    name: "memcached",
    question: () => Buffer.from("version\r\n"),
    read: (bytes) => {
      const [, version] = /^VERSION (\S+)/.exec(bytes.toString("latin1")) ?? [];
      return version === undefined ? (begins(bytes, "VERSION ") ? null : false) : version;
    },
  },
  grpc: h2("HTTP/2"),
  grpcs: h2("HTTP/2 over TLS"),
};

/** RFC 9113 §3.4: each side begins with a SETTINGS frame, the client after its preface. */
function h2(name: string): Protocol {
  return {
    name,
    question: () =>
      Buffer.concat([
        Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
      ]),
    read: (bytes) => {
      if (bytes.length < 9) return begins(bytes, "HTTP/") ? false : null;
      return bytes[3] === 4 && bytes.readUInt32BE(5) === 0 ? "SETTINGS" : false;
    },
  };
}

function begins(bytes: Buffer, text: string): boolean {
  const end = Math.min(bytes.length, text.length);
  return bytes.subarray(0, end).toString("latin1") === text.slice(0, end);
}

/** `HTTP/1.1 200 OK` of uWSGI, `Status: 200 OK` of SCGI. */
function statusLine(bytes: Buffer): string | null | false {
  const text = bytes.toString("latin1");
  const line =
    /^HTTP\/1\.[01] (\d{3}[^\r\n]*)/.exec(text) ?? /^Status: (\d{3}[^\r\n]*)/im.exec(text);
  if (line?.[1] !== undefined) return line[1];
  if (text.includes("\r\n\r\n") || text.includes("\n\n")) return /^[\w-]+: /.test(text) && "200";
  return bytes.length < BYTES_MAX && /^[A-Za-z\r\n]/.test(text) ? null : false;
}

function variablesOf(path: string, host: string): Readonly<Record<string, string>> {
  const [name = "/", query = ""] = path.split("?");
  return {
    REQUEST_METHOD: "GET",
    REQUEST_URI: path,
    PATH_INFO: name,
    SCRIPT_NAME: "",
    QUERY_STRING: query,
    SERVER_PROTOCOL: "HTTP/1.1",
    SERVER_NAME: host.replace(/:\d+$/, ""),
    SERVER_PORT: "80",
    HTTP_HOST: host,
    REMOTE_ADDR: "127.0.0.1",
  };
}

function sized([name, value]: readonly [string, string]): readonly Buffer[] {
  return [name, value].flatMap((text) => {
    const bytes = Buffer.from(text);
    const length = Buffer.alloc(2);
    length.writeUInt16LE(bytes.length);
    return [length, bytes];
  });
}

export async function askSpoken(
  line: Line,
  protocol: Exclude<Spoken, "tcp">,
): Promise<SpokenAsked> {
  const { world, limits } = line;
  const { name, question, read } = PROTOCOLS[protocol];
  const startedAt = world.clock.now();
  const { secured, connection } = await open(line);
  const before = secured === null ? [] : [secured.step];
  const nothing = { protocol, firstBytes: "", status: null };
  if (connection === null) {
    const code = secured?.step.code ?? "connection_terminated";
    return { ...nothing, code, detail: secured?.step.detail ?? "no connection", steps: before };
  }
  const heard = await answerOf(line, connection.socket, question(line), read);
  const step: DiagnosisStep = {
    layer: "head",
    name: `a question in ${name}`,
    result: heard.code === null ? "ok" : "failed",
    durationMs: world.clock.now() - startedAt,
    limitMs: limits.responseMs,
    detail: heard.detail,
    code: heard.code,
  };
  return { protocol, ...heard, steps: [...before, step] };
}

type Heard = Pick<SpokenAsked, "code" | "detail" | "firstBytes" | "status">;

function answerOf(
  { world, limits }: Line,
  socket: Socket,
  question: Buffer,
  read: Protocol["read"],
): Promise<Heard> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    const end = (code: FailureCode | null, detail: string): void => {
      timer.cancel();
      socket.destroy();
      const status = Number(/^(\d{3})\b/.exec(detail)?.[1] ?? 0) || null;
      const firstBytes = bytes.subarray(0, 256).toString("latin1");
      resolve({ code, detail, firstBytes, status: code === null ? status : null });
    };
    const timer = world.clock.after(limits.responseMs, () =>
      end("http_response_timeout", `no answer within ${limits.responseMs} ms`),
    );
    socket.on("data", (part: Buffer) => {
      bytes = Buffer.concat([bytes, part]);
      const said = read(bytes);
      if (typeof said === "string") end(null, said);
      else if (said === false || bytes.length > BYTES_MAX) {
        end("http_protocol_error", "what comes is of another protocol");
      }
    });
    socket.once("close", () => {
      end("connection_terminated", bytes.length === 0 ? "closed without an answer" : "cut");
    });
    socket.on("error", () => {});
    socket.write(question);
  });
}
