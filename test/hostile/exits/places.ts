/**
 * Places of clients: taken to the last one, refused to the next, and free again when they leave.
 */
import { get, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { createGateway, startAdmin } from "good-gateway";
import { dashboard } from "good-gateway/dashboard";
import { ADMIN } from "../../../src/catalog/health-defaults.js";
import { DOORS } from "../../doors/all-doors.js";
import { eventually } from "../../gallery/tools/world.js";
import { EXIT_KINDS } from "../kinds/exits.js";
import { sendParts } from "../tools/raw-bytes.js";
import type { Came, Exits, Vessel } from "./exit.js";

/** The kind of the lab fills, is refused, leaves and fills again: here at its first door. */
const ofTheLab = (option: string) => (): Vessel => {
  const kind = EXIT_KINDS.find(({ name }) => name.startsWith(`${option} `));
  const door = DOORS.find((one) => one.absent === undefined && kind?.at(one) === true);
  if (kind === undefined || door === undefined) throw new Error(`${option} is not in the lab`);
  return {
    full: "served",
    fill: () => {},
    async next(): Promise<Came> {
      await kind.attempt(door);
      return "served";
    },
    leave: () => {},
  };
};

const made = () => createGateway({ name: "edge", onWarning: () => {} });

/** Streams of the page. */
async function viewers(): Promise<Vessel> {
  const gateway = made();
  const page = dashboard(gateway, { access: "any", viewersMax: 2 });
  const admin = await startAdmin(gateway, { port: 0, handlers: [page] });
  const watching: IncomingMessage[] = [];
  const watch = (): Promise<Came> =>
    new Promise((resolve, reject) => {
      const options = { port: admin.port, host: "127.0.0.1", path: "/events", agent: false };
      get(options, (answer) => {
        answer.on("error", () => {}).resume();
        if (answer.statusCode === 200) watching.push(answer);
        resolve(answer.statusCode === 200 ? "served" : "refused");
      }).on("error", reject);
    });
  return {
    full: "refused",
    async fill() {
      while ((await watch()) === "served");
      if (watching.length !== 2) throw new Error(`${watching.length} watch`);
    },
    next: watch,
    async leave() {
      const left = watching.splice(0);
      for (const answer of left) answer.destroy();
      // One is let in as soon as the server has seen that another has left.
      await eventually("they have left", async () => (await watch()) === "served");
      for (const answer of watching.splice(0)) answer.destroy();
    },
    async close() {
      for (const answer of watching) answer.destroy();
      page.close();
      await admin.close();
      gateway.close();
    },
  };
}

/** Connections that say nothing, to the port of probes. */
async function silent(): Promise<Vessel> {
  const gateway = made();
  const admin = await startAdmin(gateway, { port: 0 });
  const sockets: { destroy(): unknown }[] = [];
  const leave = (): void => {
    for (const socket of sockets.splice(0)) socket.destroy();
  };
  return {
    full: "served",
    async fill() {
      for (let turn = 0; turn < ADMIN.connectionsMax + 20; turn += 1) {
        const socket = connect({ port: admin.port, host: "127.0.0.1" }).on("error", () => {});
        sockets.push(socket);
        await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
      }
    },
    async next() {
      const probe = "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
      const { statuses } = await sendParts(admin.port, [probe], 8_000);
      return statuses[0] === 200 ? "served" : "refused";
    },
    leave,
    async close() {
      leave();
      await admin.close();
      gateway.close();
    },
  };
}

export const PLACE_EXITS: Exits = {
  "BULKHEAD.concurrencyMax": ofTheLab("bulkhead.concurrencyMax"),
  "BULKHEAD.queueMax": ofTheLab("bulkhead.queueMax"),
  "BULKHEAD.streamsMax": ofTheLab("bulkhead.streamsMax"),
  "LIMITS.connectionsMax": ofTheLab("limits.connectionsMax"),
  "LIMITS.upgradesMax": ofTheLab("limits.upgradesMax"),
  "DASHBOARD.viewersMax": viewers,
  "ADMIN.connectionsMax": silent,
};
