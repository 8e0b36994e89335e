/**
 * Requests and answers of a server behind a front: heads that are too large for it, bodies that are
 * shorter than they say, WebSockets whose upgrade was lost on the way.
 *
 * Guarantee: an answer is changed in one case only: one that is shorter than its Content-Length is
 * cut, since the front would wait for the rest until its own time is over.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { FrontFacts } from "../../catalog/fronts.js";
import type { GatewayCore } from "../../gateway/core.js";
import { literal } from "../../options/findings.js";
import { isHttp2 } from "../../wire/http2.js";
import type { ConnectionWatch, RestingConnection } from "./behind-connections.js";
import type { Preparing } from "./behind-preparing.js";

/** What Node keeps of an answer: its head as it was sent, and the length that it announces. */
type SentResponse = ServerResponse & {
  readonly _header?: string | null;
  readonly _contentLength?: number | null;
};

/** Warnings about heads, each for another field; more say nothing new. */
const WARNINGS_MAX = 8;

export function watchAnswers({ core, server }: Preparing, watch: ConnectionWatch): void {
  const judgeHead = headJudge(core);
  const drainField = core.behind?.fronts.find((front) => front.drainField !== null)?.drainField;
  let strippedTold = false;

  const tellStripped = (req: IncomingMessage): void => {
    core.events.emit("upgrade:stripped", { path: req.url as string });
    if (strippedTold) return;
    strippedTold = true;
    core.warn(
      "a WebSocket handshake came without Upgrade: the hop in front has removed it; nginx needs " +
        'proxy_set_header Upgrade $http_upgrade and Connection "upgrade"',
    );
  };

  const finished = (res: SentResponse, connection: RestingConnection): void => {
    const { socket } = connection;
    const sent = socket.bytesWritten - connection.bytesWritten;
    connection.active -= 1;
    connection.since = core.clock.now();
    connection.bytesRead = socket.bytesRead;
    connection.bytesWritten = socket.bytesWritten;
    const head = res._header;
    if (typeof head !== "string") return;
    judgeHead(head);
    const announced = res._contentLength;
    if (typeof announced !== "number" || !hasBody(res)) return;
    // Interim answers are counted with the body, so that a gap may be missed but never made up.
    const missing = announced - (sent - head.length);
    if (missing > 0) cutShort(core, res, announced, missing);
  };

  // First, since a handler may answer at once; an answer's end is heard before Node lets go of the
  // connection, which may begin with the next answer there and then.
  server.prependListener("request", (req: IncomingMessage, res: SentResponse) => {
    if (isHttp2(req)) return;
    const connection = watch.of(req.socket);
    connection.active += 1;
    if (req.headers["sec-websocket-key"] !== undefined && req.headers.upgrade === undefined) {
      tellStripped(req);
    }
    if (drainField != null && core.lifecycle.state !== "running") {
      res.setHeader(drainField[0], drainField[1]);
    }
    res.prependListener("finish", () => finished(res, connection));
  });
}

function hasBody({ req, statusCode }: ServerResponse): boolean {
  return req.method !== "HEAD" && statusCode !== 204 && statusCode !== 304;
}

function cutShort(
  { events }: GatewayCore,
  res: ServerResponse,
  announced: number,
  missing: number,
): void {
  events.emit("answer:short", { path: res.req.url as string, announced, missing });
  res.req.socket.destroy();
}

/** Looks at the size of heads; almost always one comparison. */
function headJudge(core: GatewayCore): (head: string) => void {
  const fronts = core.behind?.fronts ?? [];
  const headMax = Math.min(...fronts.map((front) => front.responseHeadBytesMax));
  const fieldMax = Math.min(...fronts.map((front) => front.responseFieldBytesMax));
  const least = Math.min(headMax, fieldMax);
  const reported = new Set<string>();
  return (head) => {
    // Node writes heads in latin1: as many bytes as characters.
    if (head.length <= least) return;
    const [field, fieldBytes] = largestField(head);
    for (const front of fronts) {
      const { responseHeadBytesMax: bytesMax, responseFieldBytesMax: most } = front;
      if (head.length <= bytesMax && fieldBytes <= most) continue;
      const facts = { front: front.name, bytes: head.length, bytesMax, field, fieldBytes };
      core.events.emit("answer:oversized", facts);
      if (reported.size >= WARNINGS_MAX || reported.has(field)) continue;
      reported.add(field);
      core.warn(oversized(front, head.length, field, fieldBytes));
    }
  };
}

function oversized(
  front: FrontFacts & { readonly name: string },
  bytes: number,
  field: string,
  fieldBytes: number,
): string {
  const { title, responseHeadBytesMax: headMax, responseFieldBytesMax: fieldMax } = front;
  const whole = bytes > headMax;
  const what = whole ? `head has ${literal(bytes)} bytes` : `field is too long`;
  const limit = whole ? headMax : fieldMax;
  const option = whole ? "responseHeadBytesMax" : "responseFieldBytesMax";
  return (
    `an answer's ${what}, and ${title} takes ${literal(limit)}: its client gets ` +
    `${front.tooLargeStatus}; the largest field is ${field} with ${literal(fieldBytes)}; make it ` +
    "smaller, or raise the limit there and state it here: " +
    `behind: { front: "${front.name}", ${option}: … }`
  );
}

function largestField(head: string): readonly [name: string, bytes: number] {
  let largest = "";
  for (const line of head.split("\r\n")) if (line.length > largest.length) largest = line;
  const colon = largest.indexOf(":");
  return [(colon === -1 ? "status line" : largest.slice(0, colon)).toLowerCase(), largest.length];
}
