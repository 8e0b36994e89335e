/**
 * Asks a FastCGI pool for its ping and its status page. A pool that knows neither answers that it
 * has no such file, which says as much: it is alive.
 */
import { basename, dirname } from "node:path";
import type { FailureCode } from "../../../catalog/failures.js";
import { openSocket, type SocketPlace } from "../probes/connect.js";
import type { DoctorLimits } from "../world/limits.js";
import type { DoctorWorld } from "../world/world.js";
import { type FastcgiAnswer, fastcgiRequest, readFastcgi } from "./protocol.js";

/** The status page of PHP-FPM, as far as it explains why requests wait. */
export interface PoolStatus {
  readonly pool: string;
  readonly listenQueue: number;
  readonly listenQueueMax: number;
  readonly idle: number;
  readonly active: number;
  readonly total: number;
  readonly maxChildrenReached: number;
  readonly slowRequests: number;
}

export interface PoolAsked {
  /** Null when it did not answer. */
  readonly answer: FastcgiAnswer | null;
  readonly code: FailureCode | null;
  readonly detail: string;
  readonly durationMs: number;
}

const ANSWER_BYTES_MAX = 256 * 1024;

export function askPool(
  world: DoctorWorld,
  place: SocketPlace,
  limits: DoctorLimits,
  path: string,
  query = "",
): Promise<PoolAsked> {
  return ask(world, place, limits, parametersFor(path, query));
}

/** Has a script run, as a GET of the front would. */
export function askScript(
  world: DoctorWorld,
  place: SocketPlace,
  limits: DoctorLimits,
  file: string,
): Promise<PoolAsked> {
  const name = `/${basename(file)}`;
  const parameters = {
    ...parametersFor(name, ""),
    SCRIPT_FILENAME: file,
    DOCUMENT_ROOT: dirname(file),
    HTTP_HOST: "localhost",
  };
  return ask(world, place, limits, parameters);
}

async function ask(
  world: DoctorWorld,
  place: SocketPlace,
  { connectMs, responseMs }: DoctorLimits,
  parameters: Readonly<Record<string, string>>,
): Promise<PoolAsked> {
  const startedAt = world.clock.now();
  const done = (answer: FastcgiAnswer | null, code: FailureCode | null, detail: string) => ({
    answer,
    code,
    detail,
    durationMs: world.clock.now() - startedAt,
  });
  const socket = await openSocket(world, place, connectMs).catch(() => null);
  if (socket === null) return done(null, "connection_refused", "no connection");
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    const end = (result: PoolAsked): void => {
      timer.cancel();
      socket.destroy();
      resolve(result);
    };
    const timer = world.clock.after(responseMs, () =>
      end(done(null, "http_response_timeout", `no answer within ${responseMs} ms`)),
    );
    socket.on("data", (part: Buffer) => {
      bytes = Buffer.concat([bytes, part]);
      const answer = readFastcgi(bytes);
      if (answer === null) {
        end(
          done(
            null,
            "http_protocol_error",
            `not FastCGI: ${JSON.stringify(bytes.toString("latin1").slice(0, 40))}`,
          ),
        );
      } else if (answer.ended || bytes.length > ANSWER_BYTES_MAX) {
        end(done(answer, null, firstLineOf(answer)));
      }
    });
    socket.once("close", () =>
      end(done(null, "connection_terminated", "closed without an answer")),
    );
    socket.write(fastcgiRequest(parameters));
  });
}

/** What a pool needs to know of a request that came through no web server. */
function parametersFor(path: string, query: string): Readonly<Record<string, string>> {
  return {
    REQUEST_METHOD: "GET",
    SCRIPT_NAME: path,
    SCRIPT_FILENAME: path,
    REQUEST_URI: query === "" ? path : `${path}?${query}`,
    QUERY_STRING: query,
    SERVER_PROTOCOL: "HTTP/1.1",
    GATEWAY_INTERFACE: "CGI/1.1",
    SERVER_SOFTWARE: "good-gateway-doctor",
    REMOTE_ADDR: "127.0.0.1",
  };
}

function firstLineOf({ stdout, stderr }: FastcgiAnswer): string {
  const status = /^Status: (.*)$/m.exec(stdout)?.[1]?.trim();
  return status ?? stderr.split("\n")[0] ?? (stdout.split("\r\n\r\n")[1] ?? "").slice(0, 40);
}

/** The status page, null when the pool has none at that path. */
export function readPoolStatus(answer: FastcgiAnswer | null): PoolStatus | null {
  const body = answer?.stdout.split("\r\n\r\n").slice(1).join("\r\n\r\n") ?? "";
  let page: unknown;
  try {
    page = JSON.parse(body);
  } catch {
    return null;
  }
  if (typeof page !== "object" || page === null || !("pool" in page)) return null;
  const value = (name: string): number => Number((page as Record<string, unknown>)[name] ?? 0);
  return {
    pool: String((page as Record<string, unknown>)["pool"]),
    listenQueue: value("listen queue"),
    listenQueueMax: value("max listen queue"),
    idle: value("idle processes"),
    active: value("active processes"),
    total: value("total processes"),
    maxChildrenReached: value("max children reached"),
    slowRequests: value("slow requests"),
  };
}
