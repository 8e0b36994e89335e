/** A hedge on real sockets: who is asked, whose connection is closed, and what it cost. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createGateway } from "good-gateway";
import { afterEach, describe, expect, it } from "vitest";

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close().closeAllConnections();
});

/** Two servers; of all requests the first is left alone, the others are answered. */
async function servers() {
  const seen = { asked: 0, executed: 0 };
  let closed: () => void = () => {};
  const loserGone = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const origins = await Promise.all(
    [0, 1].map(async () => {
      const server = createServer((req, res) => {
        seen.asked += 1;
        if (seen.asked === 1) {
          req.socket.once("close", () => closed());
          return;
        }
        seen.executed += 1;
        res.end("done");
      });
      open.push(server);
      await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    }),
  );
  return { seen, loserGone, origins };
}

describe("a hedge on real sockets", () => {
  it("answers from the second target, and the first one's connection is closed", async () => {
    const { seen, loserGone, origins } = await servers();
    const gateway = createGateway({
      upstreams: { orders: { targets: origins, hedge: { delayMs: 30 } } },
    });
    const orders = gateway.upstream("orders");
    const codes: unknown[] = [];
    gateway.on("attempt:end", ({ attempt }) => void codes.push(attempt.code));
    const outcome = await orders.send({ path: "/" });
    expect(outcome.kind).toBe("success");
    if (outcome.kind === "success") {
      const parts: Uint8Array[] = [];
      for await (const part of outcome.response.body) parts.push(part);
      expect(Buffer.concat(parts).toString()).toBe("done");
    }
    await loserGone;
    expect(seen).toEqual({ asked: 2, executed: 1 });
    // Which of the two ends is told first is for the sockets to say.
    expect(new Set(codes)).toEqual(new Set(["hedge_cancelled", null]));
    expect(orders.targets.map(({ pending }) => pending)).toEqual([0, 0]);
    gateway.close();
  });

  it("a POST is asked of one target only, and waits for it", async () => {
    const { seen, origins } = await servers();
    const gateway = createGateway({
      upstreams: {
        orders: { targets: origins, hedge: { delayMs: 10 }, timeouts: { responseMs: 150 } },
      },
    });
    const outcome = await gateway.upstream("orders").send({ path: "/", method: "POST" });
    expect(outcome).toMatchObject({ failure: { code: "http_response_timeout" } });
    expect(seen).toEqual({ asked: 1, executed: 0 });
    gateway.close();
  });
});
