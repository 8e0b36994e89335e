/** Vite's dev server: in place of `server.proxy`, with names for what fails behind it. */
import { createGateway } from "good-gateway";
import { expressProxy } from "good-gateway/express";
import { defineConfig } from "vite";

const gateway = createGateway({
  name: "vite",
  upstreams: { orders: { targets: process.env.ORDERS_URL ?? "http://127.0.0.1:3001" } },
});

const backend = {
  name: "backend",
  configureServer(server) {
    server.middlewares.use("/api", expressProxy(gateway.upstream("orders")));
    server.httpServer?.once("close", () => gateway.close());
  },
};

export default defineConfig({
  plugins: [backend],
  server: { port: Number(process.env.PORT ?? 5173), strictPort: true, host: "127.0.0.1" },
});
