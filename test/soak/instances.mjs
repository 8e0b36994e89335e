/**
 * Three instances of an application and the faults that befall them, one at a time: processes that
 * are killed as for memory, stopped, starved or silent, and a name server that fails. Whatever
 * befalls one, the other two could serve each call.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { NAME_FAULTS, startNameServer } from "./name-server.mjs";

const ADDRESSES = ["127.0.0.2", "127.0.0.3", "127.0.0.4"];
const SCRIPT = fileURLToPath(new URL("instance.mjs", import.meta.url));
/** How long a fault lasts, and how long all are well after it. */
const FAULT_MS = [400, 3_000];
const WELL_MS = [500, 3_000];

/** By what is done to an instance; each ends with the instance well. */
const FAULTS = {
  // As the kernel does where memory is short, in the middle of its requests.
  async killed(instances, index, ms) {
    instances[index].kill("SIGKILL");
    await sleep(ms);
    instances[index] = await instances.start(index);
  },
  async stopped(instances, index, ms) {
    instances[index].kill("SIGSTOP");
    await sleep(ms);
    instances[index].kill("SIGCONT");
  },
  async starved(instances, index, ms) {
    instances[index].send({ hogMs: ms });
    await sleep(ms);
  },
  silent: (instances, index, ms) => become(instances, index, ms, "silent"),
  refusing: (instances, index, ms) => become(instances, index, ms, "refusing"),
};

async function become(instances, index, ms, mode) {
  instances[index].send({ become: mode });
  await sleep(ms);
  instances[index].send({ become: "normal" });
}

/** Starts all; `executions` counts by id, `faults` by name, what has been played so far. */
export async function startInstances() {
  const port = await portOnAll();
  const executions = new Map();
  const faults = new Map();
  const instances = [];
  instances.start = async (index) => {
    const made = fork(SCRIPT, [ADDRESSES[index], String(port)], {
      execArgv: ["--max-old-space-size=64"],
    });
    made.on("message", ({ executed }) => {
      if (executed !== undefined) executions.set(executed, (executions.get(executed) ?? 0) + 1);
    });
    made.on("error", () => {});
    await once(made, "message");
    return made;
  };
  for (const index of ADDRESSES.keys()) instances.push(await instances.start(index));
  const names = await startNameServer(ADDRESSES);
  let playing = true;

  const turns = Object.keys(FAULTS).flatMap((fault) => ADDRESSES.map((_, index) => [fault, index]));
  const playInstances = async () => {
    for (let turn = 0; playing; turn += 1) {
      // Seven steps through fifteen: neither the fault nor the instance is that of the turn before.
      const [fault, index] = turns[(turn * 7) % turns.length];
      faults.set(fault, (faults.get(fault) ?? 0) + 1);
      await FAULTS[fault](instances, index, between(FAULT_MS));
      await sleep(between(WELL_MS));
    }
  };
  const playNames = async () => {
    for (let turn = 0; playing; turn += 1) {
      const way = NAME_FAULTS[turn % NAME_FAULTS.length];
      faults.set(`name ${way}`, (faults.get(`name ${way}`) ?? 0) + 1);
      names.way = way;
      await sleep(2 * between(FAULT_MS));
      names.way = "well";
      await sleep(between(WELL_MS));
    }
  };
  const played = { over: Promise.resolve() };
  return {
    url: `http://app.soak:${port}`,
    nameServer: names.origin,
    executions,
    faults,
    play() {
      played.over = Promise.all([playInstances(), playNames()]);
    },
    /** Resolves when all are well. */
    async calm() {
      playing = false;
      await played.over;
    },
    close() {
      names.close();
      for (const instance of instances) instance.kill("SIGKILL");
    },
  };
}

function between([from, to]) {
  return from + (to - from) * Math.random();
}

/** A port that is free on every address. */
async function portOnAll() {
  const server = createServer().listen(0, "0.0.0.0");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
