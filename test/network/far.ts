/**
 * The servers at the far end of the link, in a namespace of their own: HTTP/1.1 with upgrades on
 * port 80, HTTP/2 on 81, TLS on 443, at all addresses 10.x.x.x. The faulty target of a scenario is
 * 10.NET.1.x, and may behave as `FAR` says (JSON: by NET). Sends how often each path was executed.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createServer as createTlsServer } from "node:https";
import { createServer as createNetServer, type Socket } from "node:net";

const { behaviours, secure, firstPort } = JSON.parse(process.env["FAR"] ?? "{}") as FarSettings;

export type Behaviour = "half-closes" | "never reads" | "works for a while" | "closes";

export interface FarSettings {
  readonly behaviours: Readonly<Record<string, Behaviour>>;
  readonly secure: { readonly cert: string; readonly key: string };
  /** Added to the ports. */
  readonly firstPort: number;
}

const WORK_MS = 400;
const HEAD_FILL = "h".repeat(3_000);
const BODY = Buffer.alloc(20_000, "b");
const executed = new Map<string, number>();

function behaviourOf(socket: Socket): Behaviour | undefined {
  const [, net, role] = (socket.localAddress ?? "").replace("::ffff:", "").split(".");
  return role === "1" ? behaviours[net ?? ""] : undefined;
}

function count(path: string): void {
  executed.set(path, (executed.get(path) ?? 0) + 1);
}

function serve(req: IncomingMessage, res: ServerResponse): void {
  const behaviour = behaviourOf(req.socket);
  req.on("error", () => {}).resume();
  req.once("end", () => {
    const path = req.url ?? "";
    count(path);
    if (behaviour === "closes" && req.httpVersionMajor === 1) res.setHeader("connection", "close");
    res.setHeader("x-fill", HEAD_FILL);
    res.setHeader("content-length", BODY.length);
    setTimeout(
      () => {
        res.flushHeaders();
        res.end(BODY);
      },
      behaviour === "works for a while" ? WORK_MS : 0,
    );
  });
}

function upgrade(req: IncomingMessage, socket: Socket): void {
  count(req.url ?? "");
  socket.on("error", () => {});
  const head = ["HTTP/1.1 101 Switching Protocols", "connection: upgrade", "upgrade: websocket"];
  socket.write(`${[...head, `x-fill: ${HEAD_FILL}`].join("\r\n")}\r\n\r\n`);
  socket.pipe(socket);
}

const listener = serve as (req: unknown, res: unknown) => void;
const servers = {
  80: createServer(serve).on("upgrade", upgrade),
  81: createHttp2Server(listener),
  443: createTlsServer(secure, serve),
};
for (const server of Object.values(servers)) Object.assign(server, { keepAliveTimeout: 600_000 });
for (const [port, server] of Object.entries(servers)) {
  const front = createNetServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    const behaviour = behaviourOf(socket);
    if (behaviour === "never reads") return;
    if (behaviour === "half-closes") return void socket.end().resume();
    socket.allowHalfOpen = false;
    server.emit("connection", socket);
  });
  front.listen(Number(port) + firstPort, "0.0.0.0", 4_096);
  await once(front, "listening");
}
process.send?.("listening");
process.on("message", (id) => process.send?.({ id, executed: Object.fromEntries(executed) }));
process.on("disconnect", () => process.exit());
