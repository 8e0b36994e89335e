/**
 * Small upstreams that misbehave on demand: raw TCP servers on free ports of 127.0.0.1, each with
 * one fault, scripted byte by byte.
 *
 * They use `good-gateway/testing`, which does the same for the tests of your own services.
 */
import {
  accept,
  ok,
  refusingPort,
  respond,
  scriptedUpstream,
  testCertificates,
} from "good-gateway/testing";

/** Short, so that the tour takes seconds. The defaults: 10 s for an answer, 60 s for silence. */
export const SHORT = { responseMs: 200, idleMs: 200 };

/** So that the head has reached the client before its body fails. */
const HEAD_ARRIVES_MS = 30;
/** So that all these upstreams need few open files. */
const FEW = { concurrencyMax: 100 };
/** How long a call holds the only place of `/bulkhead`. */
const BUSY_MS = 1_000;
/** Below the seven seconds that `/busy` requests, so that the gateway does not wait. */
const BUSY_TOTAL_MS = 5_000;
/** The limits: 16 KiB per line, 32 KiB per head. */
const HUGE = 20 * 1024;

/**
 * Starts all of them. `upstreams` is the option of `createGateway`: one for each path of the demo.
 * The breaker is off except for `/breaker`, so that each path keeps showing its own failure.
 */
export async function startUpstreams() {
  const started = [];
  const play = async (script, options) => {
    const upstream = await scriptedUpstream([script], { loop: true, ...options });
    started.push(upstream);
    return upstream.origin;
  };
  const one = async (script, settings) => ({
    breaker: false,
    bulkhead: FEW,
    targets: await play(script),
    ...settings,
  });
  const upstreams = {
    ...(await workingUpstreams(one, play)),
    ...(await unreachableUpstreams(play)),
    ...(await invalidUpstreams(one)),
    ...(await brokenBodies(one)),
    ...(await slowUpstreams(one)),
    ...(await refusedUpstreams(one)),
  };
  return { upstreams, stop: () => Promise.all(started.map((upstream) => upstream.close())) };
}

/** Reads a request with its body, answers, and waits for the next one. */
const fine = accept().readHead().readBody().send(ok("All is well.\n")).again();

async function workingUpstreams(one, play) {
  const nowhere = `http://127.0.0.1:${await refusingPort()}`;
  const asked = accept().readHead().readBody();
  const drip = { bytesPerWrite: 4, everyMs: 20 };
  return {
    fine: await one(fine),
    slow: await one(asked.sendSlowly(ok("slow, but it moves\n"), drip).again()),
    flapping: await one(asked.send(everySecondTry()).close()),
    "one-down": {
      breaker: false,
      // The one that is down is the first choice.
      targets: [nowhere, { url: await play(fine), backup: true }],
    },
    busy: await one(asked.send(respond(503, "Not now.\n", { "retry-after": "7" })).again(), {
      timeouts: { totalMs: BUSY_TOTAL_MS },
    }),
    crash: await one(asked.send(respond(500, "TypeError: x is undefined\n")).again()),
    early: await one(
      accept()
        .readHead()
        .send(respond(413, "Too much.\n", CLOSES))
        .close(),
    ),
  };
}

const CLOSES = { connection: "close" };

/** Answers only the second attempt of a call; a call is known by its request id. */
function everySecondTry() {
  let tried = null;
  return (request) => {
    const id = request.header("x-request-id");
    const again = id === tried;
    tried = again ? null : id;
    return again ? ok("Back again.\n", CLOSES) : "";
  };
}

async function unreachableUpstreams(play) {
  const breaker = false;
  const nowhere = async () => `http://127.0.0.1:${await refusingPort()}`;
  // It cannot parse what arrives as a request and says so, as web servers do.
  const plain = await play(accept().readBytes(1).send(respond(400)).close());
  const { selfSigned } = testCertificates();
  return {
    refused: { breaker, targets: await nowhere() },
    "all-down": { breaker, targets: [await nowhere(), await nowhere()] },
    // RFC 6761 §6.4: names under .invalid never exist.
    "no-name": { breaker, targets: "http://no-such-host.invalid", timeouts: { connectMs: 1_000 } },
    "tls-none": { breaker, targets: plain.replace("http:", "https:") },
    "tls-self": { breaker, targets: await play(fine, { tls: selfSigned }) },
  };
}

async function invalidUpstreams(one) {
  const asked = accept().readHead();
  const head = (...lines) => `${lines.join("\r\n")}\r\n\r\n`;
  return {
    reset: await one(asked.reset()),
    closed: await one(asked.close()),
    garbage: await one(asked.send("SSH-2.0-OpenSSH_9.6\r\n").close()),
    status: await one(asked.send(head("HTTP/1.1 999 Lazy", "content-length: 0")).close()),
    framing: await one(
      asked
        .send(head("HTTP/1.1 200 OK", "content-length: 5", "transfer-encoding: chunked"))
        .send("5\r\nhello\r\n0\r\n\r\n")
        .close(),
    ),
    "big-head": await one(asked.send(ok("", { "set-cookie": "x".repeat(HUGE) })).close()),
    upgrade: await one(
      asked.send(head("HTTP/1.1 101 Hi", "connection: upgrade", "upgrade: other")).hang(),
    ),
  };
}

async function brokenBodies(one) {
  const asked = accept().readHead();
  const begun = asked
    .send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nThe beginning of a body")
    .wait(HEAD_ARRIVES_MS);
  const chunked = asked
    .send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
    .wait(HEAD_ARRIVES_MS);
  return {
    truncated: await one(begun.close()),
    chunks: await one(chunked.send("no size\r\n").hang()),
    stalled: await one(begun.hang(), { timeouts: SHORT }),
  };
}

async function slowUpstreams(one) {
  return {
    silent: await one(accept().readHead().hang(), { timeouts: SHORT }),
    "half-head": await one(accept().readHead().send("HTTP/1.1 200 OK\r\nconte").hang(), {
      timeouts: SHORT,
    }),
  };
}

async function refusedUpstreams(one) {
  const busy = accept()
    .readHead()
    .send("HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nbusy")
    .wait(BUSY_MS)
    .send(", done\n")
    .again();
  return {
    // With the breaker's defaults: five failures in a row open it.
    breaker: {
      targets: await one(accept().readHead().reset()).then((o) => o.targets),
      retry: false,
    },
    bulkhead: await one(busy, { bulkhead: { concurrencyMax: 1, queueMax: 0 } }),
  };
}
