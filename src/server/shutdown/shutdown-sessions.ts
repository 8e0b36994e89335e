/**
 * The HTTP/2 sessions of a server, and their end in order.
 *
 * RFC 9113 §6.8: a first GOAWAY announces the end and still takes every stream; the one after it
 * names the last stream that is served, so a client knows which of its requests it may send again.
 */
import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Server as NetServer } from "node:net";
import { type DrainParts, spreadEnd, type Tracker } from "./shutdown-tally.js";

const NO_ERROR = 0x0;
const CANCEL = 0x8;
/** The highest number that a stream can have. */
const LAST_STREAM = 2 ** 31 - 1;

interface Session {
  readonly session: ServerHttp2Session;
  readonly streams: Set<ServerHttp2Stream>;
  /** The end has been announced; from then on it is closed after a while. */
  announcedAt: number | null;
}

export function trackSessions(server: NetServer, parts: DrainParts): Tracker {
  const { clock, plan, tally } = parts;
  const sessions = new Set<Session>();
  const streams = streamBook(parts);
  let closing = false;

  const onSession = (session: ServerHttp2Session): void => {
    const one: Session = { session, streams: new Set(), announcedAt: null };
    sessions.add(one);
    session.once("close", () => sessions.delete(one));
    session.on("stream", (stream: ServerHttp2Stream) => {
      one.streams.add(stream);
      stream.once("close", () => {
        one.streams.delete(stream);
        streams.ended(stream);
      });
    });
    if (closing) session.close();
  };

  server.on("session", onSession);
  return {
    get open() {
      return sessions.size;
    },
    get busy() {
      let busy = 0;
      for (const one of sessions) busy += one.streams.size;
      return busy;
    },
    begin: streams.count,
    closeAfterAnswers() {
      closing = true;
      for (const one of sessions) {
        if (!one.session.closed) one.session.goaway(NO_ERROR, LAST_STREAM);
        one.announcedAt = clock.now();
      }
    },
    sweep() {
      for (const one of sessions) {
        streams.sweep(one.streams);
        const { session, announcedAt } = one;
        if (announcedAt === null || session.closed) continue;
        if (clock.now() - announcedAt < plan.idleCloseMs) continue;
        if (one.streams.size === 0) tally.idleClosed += 1;
        session.close();
      }
    },
    destroy() {
      for (const one of sessions) {
        for (const stream of one.streams) streams.cut(stream);
        one.session.destroy();
      }
    },
    release: () => void server.off("session", onSession),
  };
}

function streamBook(parts: DrainParts) {
  const { clock, plan, tally } = parts;
  const ends = new WeakMap<ServerHttp2Stream, number>();
  const gone = new WeakSet<ServerHttp2Stream>();
  let counting = false;
  const cut = (stream: ServerHttp2Stream): void => {
    if (gone.has(stream)) return;
    gone.add(stream);
    tally.cut[kindOf(stream)] += 1;
    stream.close(CANCEL);
  };
  return {
    cut,
    count(): void {
      counting = true;
    },
    ended(stream: ServerHttp2Stream): void {
      if (counting && !gone.has(stream)) tally.finished[kindOf(stream)] += 1;
    },
    /** Event streams never end by themselves. */
    sweep(streams: ReadonlySet<ServerHttp2Stream>): void {
      for (const stream of streams) {
        if (kindOf(stream) !== "eventStreams") continue;
        const endsAt = ends.get(stream) ?? spreadEnd(parts, plan.streamTimeoutMs);
        ends.set(stream, endsAt);
        if (clock.now() >= endsAt) cut(stream);
      }
    },
  };
}

function kindOf({ sentHeaders }: ServerHttp2Stream): "eventStreams" | "requests" {
  const type = sentHeaders?.["content-type"];
  const streams = typeof type === "string" && type.startsWith("text/event-stream");
  return streams ? "eventStreams" : "requests";
}
