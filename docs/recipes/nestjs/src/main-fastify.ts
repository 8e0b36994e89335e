/** Nest on Fastify. */
import { NestFactory } from "@nestjs/core";
import { FastifyAdapter, type NestFastifyApplication } from "@nestjs/platform-fastify";
import { installShutdown } from "good-gateway";
import { expressProxy } from "good-gateway/express";
import { GATEWAY, upstreamToken } from "good-gateway/nest";
import { AppModule } from "./app.js";

const adapter = new FastifyAdapter();
const app = await NestFactory.create<NestFastifyApplication>(AppModule, adapter, {
  logger: ["error"],
});
app.use("/api", expressProxy(app.get(upstreamToken("orders")))); // /api/orders/7 → /orders/7
await app.listen(process.env["PORT"] ?? 3000);
installShutdown(app.getHttpServer(), app.get(GATEWAY), { onDrained: () => app.close() });
