/**
 * Run by `npm start`: the gateway of `gateway.mjs` in front of upstreams that misbehave, and a tour
 * of their failures, which you can watch on a page. Afterwards it keeps running, so that you can
 * try it with curl or a browser.
 *
 * `--once` exits after the tour: with 0 if every answer was as documented, otherwise with 1. PORT
 * sets the port: 8080 by default, or a free one if that is in use. The page has its own port:
 * ADMIN_PORT, or any free one.
 */
import { startGateway } from "./gateway.mjs";
import { SHORT, startUpstreams } from "./misbehaving-upstreams.mjs";
import {
  bold,
  dim,
  printAnswer,
  printGroup,
  printHead,
  printRow,
  printVerdict,
  say,
} from "./print.mjs";
import { visit } from "./tour.mjs";
import { GROUPS } from "./tour-cases.mjs";

const PORT_USUAL = 8080;
const PORT_FREE = 0;

const once = process.argv.includes("--once");
const { upstreams, stop: stopUpstreams } = await startUpstreams();
const { gateway, port, page, stop: stopGateway } = await startWhereFree(upstreams);
const origin = `http://127.0.0.1:${port}`;

const results = await tour();
if (results.some(({ mismatches }) => mismatches.length > 0)) process.exitCode = 1;
if (once) await stop();
else stayUp();

async function startWhereFree(upstreams) {
  const adminPort = Number(process.env.ADMIN_PORT ?? PORT_FREE);
  const settings = { name: "edge", host: "127.0.0.1", upstreams, adminPort };
  const wanted = Number(process.env.PORT ?? (once ? PORT_FREE : PORT_USUAL));
  try {
    return await startGateway({ ...settings, port: wanted });
  } catch (error) {
    if (error.code !== "EADDRINUSE") throw error;
    say(`Port ${wanted} is taken, so a free one is used.`, "");
    return startGateway({ ...settings, port: PORT_FREE });
  }
}

async function tour() {
  const count = Object.keys(upstreams).length;
  say(
    bold("good-gateway: a tour of the failures"),
    `A gateway on ${origin} stands in front of ${count} upstreams, nearly all of which misbehave.`,
    `Upstreams that are slow are given ${SHORT.responseMs} ms here so that this takes seconds; ` +
      "the default is 10 s.",
    "Below each row: what the answer itself says, and why there was no further attempt (stopped).",
    `Watch it in a browser: ${page}`,
    "",
  );
  printHead();
  const startedAt = performance.now();
  const results = [];
  for (const group of GROUPS) {
    printGroup(group);
    for (const stop of group.cases) {
      const result = await visit({ gateway, port }, stop);
      printRow(result);
      results.push(result);
    }
  }
  const durationMs = performance.now() - startedAt;
  const sample = results.find(({ request }) => request.path === "/refused");
  say("", `${bold("One of them in full")}  ${dim("every failure is answered like this")}`, "");
  printAnswer(`${origin}/refused`, sample.answer);
  say("");
  printVerdict(results, durationMs);
  return results;
}

function stayUp() {
  const row = (command, what) => `  ${command.padEnd(68)} ${dim(what)}`;
  say(
    "",
    `${bold(`The gateway stays up on ${origin}`)}  ${dim("Ctrl-C stops it in order")}`,
    `${bold(`The page of it is ${page}`)}  ${dim("live, with what every failure means")}`,
    "",
    row(`curl -i ${origin}/refused`, "502, and why"),
    row(`curl -i -H 'accept: text/html' ${origin}/refused`, "the same for people"),
    row(`curl -i ${origin}/flapping`, "made good by a second attempt"),
    row(`curl -i -d order=1 ${origin}/flapping`, "a POST is not repeated"),
    row(`curl -i ${origin}/truncated`, "cut, and curl sees it"),
    row(`curl -i --path-as-is ${origin}/fine/../..`, "400"),
    row(`curl -i -H 'via: 1.1 edge' ${origin}/fine`, "502, a loop"),
    row(`curl -s ${origin}/bulkhead &`, "takes the one place for a second"),
    row(`curl -i ${origin}/bulkhead`, "503 meanwhile"),
    row(`for i in 1 2 3 4 5 6; do curl -i ${origin}/breaker; done`, "503, the breaker opens"),
    "",
    ...pathLines(),
  );
  const onSignal = async () => {
    process.removeListener("SIGINT", onSignal).removeListener("SIGTERM", onSignal);
    const { finished, cut } = await stop();
    say("", `Stopped. Calls that could finish: ${finished}, that were cut: ${cut}.`);
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
}

/** All paths, several per line. */
function pathLines() {
  const names = Object.keys(upstreams).map((name) => `/${name}`);
  const lines = [];
  for (let from = 0; from < names.length; from += 10) {
    lines.push(`  ${dim(names.slice(from, from + 10).join("  "))}`);
  }
  return lines;
}

async function stop() {
  const report = await stopGateway();
  await stopUpstreams();
  return report;
}
