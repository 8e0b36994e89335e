/**
 * Asks a server of HTTP/2, over a session of its own or over one that is kept.
 */
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import { Readable } from "node:stream";
import { http2Client } from "../../adapters/http2-client.js";
import type { RunningServer } from "../../adapters/servers.js";
import type { Fields } from "../../gallery/tools/read-message.js";
import { type Answered, ASK_MS, type Asked, type AskOptions, type OpenDoor } from "../door.js";
import { answered, answeredOf } from "./answered.js";
import { uploadStream } from "./caller-call.js";

export function openHttp2({ server, port, close }: RunningServer): OpenDoor {
  let kept: Promise<ClientHttp2Session> | null = null;
  const session = (again: boolean): Promise<ClientHttp2Session> => {
    if (!again) return http2Client(`http://127.0.0.1:${port}`);
    kept ??= http2Client(`http://127.0.0.1:${port}`);
    return kept;
  };
  return {
    server,
    async ask(asked = {}, how = {}) {
      const own = await session(how.kept === true);
      try {
        return await askOver(own, asked, how);
      } finally {
        if (how.kept !== true) own.destroy();
      }
    },
    async close() {
      (await kept)?.destroy();
      await close();
    },
  };
}

function askOver(
  session: ClientHttp2Session,
  asked: Asked,
  { onCaller, limitMs = ASK_MS }: AskOptions,
): Promise<Answered> {
  const { method = "GET", path = "/x", fields = {} } = asked;
  const length = asked.upload?.announced ?? asked.upload?.bytes ?? sizeOf(asked.body);
  const stream = session.request(
    {
      ":authority": "edge.example",
      ":method": method,
      ":path": path,
      ...(length === undefined ? {} : { "content-length": length }),
      ...withoutConnection(fields),
    },
    { endStream: asked.body === undefined && asked.upload === undefined },
  );
  onCaller?.({
    destroy: () => stream.close(8),
    pause: () => stream.pause(),
    resume: () => stream.resume(),
  });
  sendBody(stream, asked);
  return answerOf(stream, limitMs);
}

function sizeOf(body: unknown): number | undefined {
  if (typeof body === "string") return Buffer.byteLength(body);
  return body instanceof Uint8Array ? body.byteLength : undefined;
}

/** RFC 9113 §8.2.2: fields of a connection do not exist here. */
function withoutConnection(
  fields: NonNullable<Asked["fields"]>,
): Record<string, string | string[]> {
  const entries = Object.entries(fields).filter(([name]) => !/^(?:connection|host)$/i.test(name));
  return Object.fromEntries(entries) as Record<string, string | string[]>;
}

function sendBody(stream: ClientHttp2Stream, { body, upload }: Asked): void {
  if (upload !== undefined) {
    Readable.fromWeb(uploadStream(upload) as never)
      .on("error", () => {})
      .pipe(stream);
  } else if (typeof body === "string" || body instanceof Uint8Array) stream.end(body);
  else if (body !== undefined) {
    Readable.from(body as AsyncIterable<Uint8Array>, { objectMode: false })
      .on("error", () => stream.close(8))
      .pipe(stream);
  }
}

function answerOf(stream: ClientHttp2Stream, limitMs: number): Promise<Answered> {
  const chunks: Buffer[] = [];
  const interim: { readonly status: number }[] = [];
  let head: Fields = [];
  let status: number | null = null;
  let trailers: Fields = [];
  let whole = false;
  stream.on("headers", (one) => void interim.push({ status: Number(one[":status"]) }));
  stream.on("response", (one) => {
    status = Number(one[":status"]);
    head = fieldsOf(one);
  });
  stream.on("trailers", (one) => {
    trailers = fieldsOf(one);
  });
  stream.on("data", (chunk: Buffer) => void chunks.push(chunk));
  stream.on("error", () => {});
  return new Promise((resolve) => {
    const tell = (how: "over" | "hung"): void => {
      clearTimeout(timer);
      const over = whole && status !== null ? "whole" : "reset";
      const ending = how === "hung" ? "hung" : over;
      const parts = { ending, status, fields: head, bytes: Buffer.concat(chunks) } as const;
      resolve(answeredOf(answered({ ...parts, trailers, interim, note: `${stream.rstCode}` })));
    };
    const timer = setTimeout(() => tell("hung"), limitMs);
    // Node's client waits for ever where its upload was stopped, which it also calls `aborted`.
    const end = (): void => {
      const announced = head.find(([name]) => name === "content-length")?.[1];
      const came = Buffer.concat(chunks).byteLength;
      const ofHead = stream.sentHeaders?.[":method"] === "HEAD";
      const complete =
        ofHead || (announced === undefined ? !stream.aborted : Number(announced) === came);
      whole = complete && stream.rstCode === 0;
      if (whole) setImmediate(tell, "over");
    };
    stream.once("end", end);
    stream.once("close", () => tell("over"));
  });
}

function fieldsOf(headers: IncomingHttpHeaders): Fields {
  return Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one) => [name, String(one)] as const),
  );
}
