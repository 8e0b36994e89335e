/**
 * Limits of one message, at a proxy with real sockets: a message beyond the limit ends, and the
 * next one is served over a connection of the same kind.
 */
import { createGateway } from "good-gateway";
import type { Asked } from "../../doors/door.js";
import { NODE } from "../../doors/doors/node.js";
import { answer, type Behaviours, hostileUpstream, says } from "../tools/hostile-upstream.js";
import { type Came, type Exits, type Vessel, working } from "./exit.js";

const OK = "HTTP/1.1 200 OK\r\n";
const lines = (count: number, size: number): string => `x-a: ${"a".repeat(size)}\r\n`.repeat(count);
const trailers = (text: string): string =>
  `${OK}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${text}\r\n`;

interface Beyond {
  readonly options?: object;
  /** What the upstream answers to what is too much. */
  readonly over?: string;
  /** What is too much, and what is not. */
  readonly asks?: (path: string) => Asked;
  readonly behaviours?: Behaviours;
  readonly judge?: (answered: { status: number | null; ending: string }, asked: number) => Came;
}

const isWhole: NonNullable<Beyond["judge"]> = ({ status, ending }) =>
  status === 200 && ending === "whole" ? "served" : "refused";

const message =
  ({ options = {}, over = answer("ok"), asks, behaviours, judge = isWhole }: Beyond) =>
  async (): Promise<Vessel> => {
    const upstream = await hostileUpstream(behaviours ?? { "/over": says(over) });
    const gateway = createGateway({
      upstreams: {
        app: {
          targets: upstream.origin,
          breaker: false,
          ejection: false,
          retry: false,
          timeouts: { responseMs: 4_000, idleMs: 2_000, totalMs: 6_000 },
          ...options,
        },
      },
      onWarning: () => {},
    });
    const door = await NODE.open({ gateway, proxy: {}, fetch: {}, hpm: {} } as never);
    const came = async (path: string): Promise<Came> => {
      const before = upstream.requests().length;
      const answered = await door.ask(asks?.(path) ?? { path });
      return judge(answered, upstream.requests().length - before);
    };
    return {
      ...working(
        () => came("/over"),
        () => came("/well"),
      ),
      async close() {
        gateway.close();
        await door.close();
        await upstream.close();
      },
    };
  };

const limits = (some: object): object => ({ limits: some });
const unavailable = answer("no", "", "503 x");
/** How often it was sent, where that is what the limit bounds. */
const sentTimes =
  (most: number): NonNullable<Beyond["judge"]> =>
  ({ status }, asked) => {
    if (asked > most) throw new Error(`it was sent ${asked} times`);
    return status === 200 ? "served" : "refused";
  };
const put =
  (bytes: number) =>
  (path: string): Asked => ({
    method: "PUT",
    path,
    body: Buffer.alloc(path === "/over" ? bytes : 1, "x"),
  });

export const MESSAGE_EXITS: Exits = {
  "LIMITS.requestHeadersCountMax": message({
    over: answer("ok"),
    asks: (path) => ({ path, fields: path === "/over" ? { a: Array(901).fill("b") } : {} }),
  }),
  "LIMITS.responseHeaderSectionBytesMax": message({
    options: limits({ responseHeaderSectionBytesMax: 2_000 }),
    over: `${OK}${lines(3, 900)}content-length: 0\r\n\r\n`,
  }),
  "LIMITS.responseHeaderBytesMax": message({
    options: limits({ responseHeaderBytesMax: 1_000 }),
    over: `${OK}${lines(1, 1_100)}content-length: 0\r\n\r\n`,
  }),
  "LIMITS.responseHeadersCountMax": message({
    options: limits({ responseHeadersCountMax: 20 }),
    over: `${OK}${lines(30, 1)}content-length: 0\r\n\r\n`,
  }),
  "LIMITS.informationalMax": message({
    over: `${"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(17)}${answer("ok")}`,
  }),
  "LIMITS.trailerSectionBytesMax": message({
    options: limits({ trailerSectionBytesMax: 1_000 }),
    over: trailers(lines(3, 500)),
  }),
  "LIMITS.trailerBytesMax": message({
    options: limits({ trailerBytesMax: 500 }),
    over: trailers(lines(1, 600)),
  }),
  "LIMITS.requestBodyBytesMax": message({
    options: limits({ requestBodyBytesMax: 10 }),
    asks: put(11),
  }),
  "LIMITS.responseBodyBytesMax": message({
    options: limits({ responseBodyBytesMax: 30 }),
    over: answer("x".repeat(31)),
  }),
  "RETRY.attemptsMax": message({
    options: { retry: { attemptsMax: 3, backoffBaseMs: 1, budgetFloorPerSecond: 100 } },
    over: unavailable,
    judge: sentTimes(3),
  }),
  "RETRY.replayBodyBytesMax": message({
    options: { retry: { replayBodyBytesMax: 100, backoffBaseMs: 1, budgetFloorPerSecond: 100 } },
    over: unavailable,
    asks: put(101),
    judge: sentTimes(1),
  }),
  "LIMITS.discardBytesMax": message({
    options: { retry: { attemptsMax: 2, backoffBaseMs: 1, budgetFloorPerSecond: 100 } },
    // Its rest never comes: it is given up, with its connection.
    over: "HTTP/1.1 503 x\r\ncontent-length: 9000000\r\n\r\nno",
    judge: sentTimes(2),
  }),
};
