/**
 * Gateways with their defaults, each before instances of its own: a list of lists of ports is the
 * first argument. Their own ports are sent, in that order.
 */
import { createServer } from "node:http";
import { createGateway } from "good-gateway";
import { nodeProxy } from "good-gateway/node";

const groups = JSON.parse(process.argv[2]);
process.once("disconnect", () => process.exit(0));
process.send(
  await Promise.all(
    groups.map((ports) => {
      const targets = ports.map((port) => `http://127.0.0.1:${port}`);
      const gateway = createGateway({ upstreams: { app: { targets } }, onWarning: () => {} });
      const proxy = nodeProxy(gateway.upstream("app"));
      const server = createServer(proxy).on("upgrade", proxy.upgrade);
      return new Promise((resolve) => {
        server.listen(0, "127.0.0.1", () => resolve(server.address().port));
      });
    }),
  ),
);
