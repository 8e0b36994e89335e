/**
 * Load over connections that are kept alive, which counts what was lost.
 *
 * A request is lost when it got no answer, or one with status 5xx. Nothing is sent again: who
 * loses a POST has lost it. Each worker sends its next request when the last was answered.
 */
import { Agent, type ClientRequest, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

export interface LoadOptions {
  /** Tried in turn, one for each request: a balancer that knows nothing. */
  readonly ports: readonly number[];
  readonly host?: string;
  readonly path?: string;
  /** Sent in turn. */
  readonly methods?: readonly ("GET" | "POST")[];
  /** Requests at once, each over a connection of its own for each port. */
  readonly workers: number;
  /** Whether a refused connection is tried at the next port: nothing was sent over it. */
  readonly nextWhenRefused?: boolean;
  /** Time between an answer and the worker's next request. */
  readonly pauseMs?: number;
}

export interface Losses {
  sent: number;
  answered: number;
  /** Requests without a good answer, by method and what came instead: `POST ECONNRESET`. */
  readonly lost: Map<string, number>;
}

export interface Load {
  readonly losses: Losses;
  /** Lets what is under way end, and closes the connections. */
  stop(): Promise<Losses>;
}

export function lostTotal({ lost }: Losses): number {
  return [...lost.values()].reduce((sum, count) => sum + count, 0);
}

export function startLoad(options: LoadOptions): Load {
  const { ports, methods = ["GET", "POST"], workers, pauseMs = 0 } = options;
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 1_024 });
  const losses: Losses = { sent: 0, answered: 0, lost: new Map() };
  let stopped = false;
  const work = async (): Promise<void> => {
    while (!stopped) {
      const turn = losses.sent;
      losses.sent += 1;
      const method = methods[turn % methods.length] as string;
      const first = Math.trunc(turn / methods.length);
      let came: number | string = "ECONNREFUSED";
      const tries = options.nextWhenRefused === true ? ports.length : 1;
      for (let tried = 0; tried < tries && came === "ECONNREFUSED"; tried += 1) {
        const port = ports[(first + tried) % ports.length] as number;
        came = await send(agent, options, port, method);
      }
      count(losses, method, came);
      if (pauseMs > 0) await sleep(pauseMs);
    }
  };
  const all = Promise.all(Array.from({ length: workers }, work));
  return {
    losses,
    async stop() {
      stopped = true;
      await all;
      agent.destroy();
      return losses;
    },
  };
}

/** Notes what came of a request. */
export function count(losses: Losses, method: string, came: number | string): void {
  losses.answered += typeof came === "number" ? 1 : 0;
  if (typeof came === "number" && came < 500) return;
  const what = `${method} ${came}`;
  losses.lost.set(what, (losses.lost.get(what) ?? 0) + 1);
}

/** No answer of the servers under test takes as long. */
const ANSWER_MS_MAX = 30_000;

/** One request: the status of a whole answer, or the code of the error. */
export function send(
  agent: Agent,
  { host = "127.0.0.1", path = "/" }: Pick<LoadOptions, "host" | "path">,
  port: number,
  method: string,
): Promise<number | string> {
  return new Promise((resolve) => {
    const asked = request({ agent, host, port, path, method, timeout: ANSWER_MS_MAX });
    asked.once("timeout", () => asked.destroy(Object.assign(new Error(), { code: "TIMEOUT" })));
    asked.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
    asked.once("response", (answer) => {
      answer.resume();
      answer.once("error", () => resolve("cut"));
      answer.once("end", () => resolve(answer.complete ? (answer.statusCode ?? 0) : "cut"));
    });
    end(asked, method);
  });
}

function end(asked: ClientRequest, method: string): void {
  if (method === "POST") asked.end("amount=1");
  else asked.end();
}
