/**
 * Requests on one connection, with what came back byte for byte: enough to distinguish an answer,
 * half an answer, another protocol and silence. Node's own client parses it; the first bytes are
 * kept beside it, since a parser says only that they were wrong.
 */
import { Agent, type IncomingMessage, request as requestHttp } from "node:http";
import type { Socket } from "node:net";
import type { FailureCode } from "../../../catalog/failures.js";
import { classifyError } from "../../../core/classify.js";
import { Timeline } from "../../../core/timeline.js";
import type { Endpoint } from "../world/endpoint.js";
import { BODY_BYTES_MAX, type DoctorLimits, HEAD_BYTES_MAX } from "../world/limits.js";
import type { DoctorWorld } from "../world/world.js";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** Bytes of the head as it came, status line included. */
  readonly headBytes: number;
  /** The longest field line: its name and bytes. */
  readonly largestField: { readonly name: string; readonly bytes: number };
}

export interface Exchanged {
  /** Null when no complete head came. */
  readonly answer: HttpAnswer | null;
  /** The first bytes, as latin1; empty when nothing came. */
  readonly firstBytes: string;
  /** From the request to the complete head; null when there was none. */
  readonly headMs: number | null;
  readonly bodyBytes: number;
  /** The start of the body, for a health path or a page of a front. */
  readonly bodyText: string;
  /** What went wrong, as a gateway would name it; null for a whole answer. */
  readonly code: FailureCode | null;
  readonly errno: string | null;
  /** The body went on and on, as a stream of events does; it was left after a while. */
  readonly endless: boolean;
}

/** A stream of events is not awaited: its head is enough. */
const STREAM_MS = 1_000;
/** What came within the last part of the time is not silent. */
const FLOW_PARTS = 4;

/** Answers that are made to go on. */
function isEndless({ headers }: IncomingMessage): boolean {
  return /event-stream|x-mixed-replace/i.test(headers["content-type"] ?? "");
}

/** A connection that requests can be sent on, one after the other. */
export interface ProbeConnection {
  readonly socket: Socket;
  /** The server has closed it, or a request broke it. */
  readonly closed: boolean;
  get(path: string): Promise<Exchanged>;
  close(): void;
}

const FIRST_BYTES = 256;
const BODY_TEXT_BYTES = 4_096;

export function probeConnection(
  world: DoctorWorld,
  endpoint: Endpoint,
  socket: Socket,
  limits: DoctorLimits,
): ProbeConnection {
  // The agent gives the one socket to one request after the other, as a client with a pool does.
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agent.createConnection = () => socket;
  let requests = 0;
  return {
    socket,
    get closed() {
      return socket.destroyed || socket.readableEnded;
    },
    get(path) {
      requests += 1;
      return exchange({ world, endpoint, limits, socket, agent, reused: requests > 1 }, path);
    },
    close() {
      agent.destroy();
      socket.destroy();
    },
  };
}

interface ExchangeParts {
  readonly world: DoctorWorld;
  readonly endpoint: Endpoint;
  readonly limits: DoctorLimits;
  readonly socket: Socket;
  readonly agent: Agent;
  readonly reused: boolean;
}

function exchange(parts: ExchangeParts, path: string): Promise<Exchanged> {
  const { world, endpoint, limits, socket, agent, reused } = parts;
  return new Promise((resolve) => {
    const startedAt = world.clock.now();
    const timeline = startedTimeline(startedAt, reused);
    const seen = watchBytes(socket);
    const body = { bytes: 0, text: "" };
    let answer: HttpAnswer | null = null;
    let headMs: number | null = null;
    let endless = false;
    const request = requestHttp({
      agent,
      path,
      headers: {
        host: endpoint.authority,
        "user-agent": "good-gateway-doctor",
        ...(endpoint.authorization === null ? {} : { authorization: endpoint.authorization }),
      },
      maxHeaderSize: HEAD_BYTES_MAX,
    });
    let timer = world.clock.after(limits.responseMs, () => end("http_response_timeout", null));

    const end = (code: FailureCode | null, errno: string | null): void => {
      timer.cancel();
      seen.stop();
      if (code !== null) request.destroy();
      const firstBytes = seen.text().slice(0, FIRST_BYTES);
      const { bytes: bodyBytes, text: bodyText } = body;
      resolve({ answer, firstBytes, headMs, bodyBytes, bodyText, code, errno, endless });
    };
    const fail = (error: NodeJS.ErrnoException): void => {
      timeline.headBytes = answer === null ? seen.text().length : 0;
      timeline.endAt = world.clock.now();
      end(classifyError(timeline, null, error), error.code ?? null);
    };
    // A destroyed request may fail once more after the end; that must not end the process.
    request.on("error", fail);
    request.once("response", (response) => {
      timer.cancel();
      headMs = world.clock.now() - startedAt;
      answer = answerOf(response, seen.text());
      timeline.enter("receive", world.clock.now());
      const limitMs = isEndless(response) ? Math.min(limits.bodyMs, STREAM_MS) : limits.bodyMs;
      let before = -1;
      const look = (): void => {
        // What keeps sending has not fallen silent: it is a stream, and is well.
        const flows = body.bytes > before && response.headers["content-length"] === undefined;
        endless = isEndless(response) || flows;
        end(endless ? null : "connection_read_timeout", null);
        request.destroy();
      };
      timer = world.clock.after(limitMs - limitMs / FLOW_PARTS, () => {
        before = body.bytes;
        timer = world.clock.after(limitMs / FLOW_PARTS, look);
      });
      readBody(response, body, end, fail);
    });
    request.end();
  });
}

/** As far as a request is when it has left. */
function startedTimeline(startedAt: number, reused: boolean): Timeline {
  const timeline = new Timeline(startedAt);
  for (const phase of ["connect", "send", "wait"] as const) timeline.enter(phase, startedAt);
  timeline.written = true;
  timeline.reused = reused;
  return timeline;
}

function readBody(
  response: IncomingMessage,
  body: { bytes: number; text: string },
  end: (code: FailureCode | null, errno: string | null) => void,
  fail: (error: NodeJS.ErrnoException) => void,
): void {
  response.on("data", (part: Buffer) => {
    body.bytes += part.length;
    if (body.text.length < BODY_TEXT_BYTES) body.text += part.toString("latin1");
    if (body.bytes <= BODY_BYTES_MAX) return;
    // Enough was seen; an event stream never ends.
    response.destroy();
    end(null, null);
  });
  response.once("end", () => end(null, null));
  response.on("error", fail);
}

function watchBytes(socket: Socket) {
  let text = "";
  const keep = (part: Buffer): void => {
    if (text.length < HEAD_BYTES_MAX) text += part.toString("latin1");
  };
  socket.prependListener("data", keep);
  return { text: () => text, stop: () => socket.removeListener("data", keep) };
}

function answerOf({ statusCode, headers, rawHeaders }: IncomingMessage, bytes: string): HttpAnswer {
  let largest = { name: "", bytes: 0 };
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = rawHeaders.slice(at, at + 2);
    // A colon, a blank and the end of the line.
    const size = name.length + value.length + 4;
    if (size > largest.bytes) largest = { name, bytes: size };
  }
  const end = bytes.indexOf("\r\n\r\n");
  const headBytes = end < 0 ? bytes.length : end + 4;
  return { status: statusCode ?? 0, headers, headBytes, largestField: largest };
}
