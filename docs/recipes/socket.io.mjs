/** socket.io, and every other WebSocket: the `upgrade` event of your server, and plain requests. */
import { createServer } from "node:http";
import { createGateway, installShutdown } from "good-gateway";
import { nodeProxy } from "good-gateway/node";

const gateway = createGateway({
  name: "edge",
  upstreams: {
    chat: {
      targets: process.env.CHAT_URL ?? "http://127.0.0.1:3001",
      // Long polling needs one instance for a client.
      balance: { policy: "least_pending", sticky: true },
    },
  },
});
const proxy = nodeProxy(gateway.upstream("chat"));

const server = createServer(proxy).on("upgrade", proxy.upgrade);
installShutdown(server.listen(process.env.PORT ?? 8080), gateway);
