/**
 * Faults of an upstream that are more than the bytes of one answer: how it treats the connection,
 * uploads, time, and the requests that come after.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accept, type Script, testCertificates } from "good-gateway/testing";
import { type Behaviour, nonced, OK, POISON, WORKS } from "./fault.js";

const UPLOADS = ["PUT", "POST"] as const;
const LARGE = { upload: { bytes: 20_000_000 } } as const;
/** More than fits into one write, less than what buffers on the way take. */
const MEDIUM = { upload: { bytes: 300_000 } } as const;

function read(script: Script = accept()): Script {
  return script.readHead().readBody();
}

function answer(text: string): Script {
  return read().send(nonced(text));
}

function says(status: string, more = ""): string {
  return `HTTP/1.1 ${status}\r\n${more}content-length: 2\r\n\r\nno`;
}

const OPENINGS: readonly Behaviour[] = [
  { name: "closes at once", scripts: [accept().close()], allowed: [502] },
  { name: "resets at once", scripts: [accept().reset()], allowed: [502] },
  {
    name: "speaks first",
    scripts: [accept().send("220 mail.example ESMTP\r\n").hang()],
    allowed: [502],
  },
  {
    // A balancer that is full may do this. On a new connection it can be meant for nobody else.
    name: "answers before it has read anything",
    scripts: [accept().send(says("503 Full", "retry-after: 9\r\n")).hang()],
    blind: true,
    allowed: [503, 502],
  },
  { name: "never reads", scripts: [accept().stopReading().wait(9_000)], allowed: [504] },
  {
    name: "closes within the head of the request",
    scripts: [accept().readBytes(5).close()],
    allowed: [502],
  },
  {
    name: "resets within the head of the request",
    scripts: [accept().readBytes(5).reset()],
    allowed: [502],
  },
  {
    name: "is gone after the first request",
    scripts: [answer(WORKS).destroyServer().close()],
    requests: 3,
    pauseMs: 30,
    allowed: [200, 502],
  },
];

const LATER: readonly Behaviour[] = [
  {
    name: "closes the connection at rest",
    scripts: [answer(WORKS).wait(15).close()],
    requests: 4,
    pauseMs: 50,
    allowed: [200],
  },
  {
    name: "resets the connection at rest",
    scripts: [answer(WORKS).wait(15).reset()],
    requests: 4,
    pauseMs: 50,
    allowed: [200],
  },
  {
    name: "says that it keeps the connection and closes it",
    scripts: [
      answer(
        `${OK}connection: keep-alive\r\nkeep-alive: timeout=60\r\ncontent-length: 2\r\n\r\nok`,
      ).close(),
    ],
    requests: 4,
    allowed: [200],
  },
  {
    name: "says farewell with 408 on the connection at rest",
    scripts: [
      answer(WORKS)
        .wait(15)
        .send("HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        .close(),
    ],
    requests: 3,
    pauseMs: 50,
    allowed: [200],
  },
  {
    name: "sends an answer that nobody asked for while the connection rests",
    scripts: [answer(WORKS).wait(15).send(`${OK}content-length: 6\r\n\r\n${POISON}`).hang()],
    requests: 3,
    pauseMs: 50,
    allowed: [200],
  },
  {
    name: "sends half an answer that nobody asked for while the connection rests",
    scripts: [answer(WORKS).wait(15).send(`${OK}x: ${POISON}`).hang()],
    requests: 3,
    pauseMs: 50,
    allowed: [200],
  },
  {
    name: "sends one byte while the connection rests",
    scripts: [answer(WORKS).wait(15).send("\r").hang()],
    requests: 3,
    pauseMs: 250,
    // Read together with the answer before it, a line end is no fault; then the silence is one.
    allowed: [200, 504],
  },
  {
    name: "closes after every answer without a word",
    scripts: [answer(WORKS).close()],
    requests: 5,
    allowed: [200],
  },
  {
    name: "answers the second request of a connection with a close",
    scripts: [read(answer(WORKS)).close()],
    requests: 2,
    allowed: [200],
    allowedForPost: [200, 502],
  },
  {
    name: "answers the second request of a connection with a reset",
    scripts: [read(answer(WORKS)).reset()],
    requests: 2,
    allowed: [200],
    allowedForPost: [200, 502],
  },
  {
    name: "answers the second request of a connection with silence",
    scripts: [read(answer(WORKS)).hang()],
    requests: 2,
    allowed: [200, 504],
  },
  {
    name: "answers the second request of a connection much later with a close",
    scripts: [read(answer(WORKS)).wait(280).close()],
    requests: 2,
    allowed: [200, 502],
  },
  {
    name: "sends the answer of a request after that request was given up",
    scripts: [read().wait(900).send(`${OK}content-length: 6\r\n\r\n${POISON}`).hang()],
    requests: 2,
    allowed: [504],
  },
  {
    name: "resets every other connection",
    scripts: [
      answer(WORKS).close(),
      read().reset(),
      answer(WORKS).close(),
      read().reset(),
      answer(WORKS),
    ],
    requests: 3,
    allowed: [200],
    allowedForPost: [200, 502],
  },
];

const UPLOADING: readonly Behaviour[] = [
  ...(
    [
      [
        "413 and closes",
        (script: Script) =>
          script.send(nonced(says("413 Too Large", "connection: close\r\n"))).close(),
        413,
      ],
      [
        "413 and resets",
        (script: Script) =>
          script.send(nonced(says("413 Too Large", "connection: close\r\n"))).reset(),
        413,
      ],
      ["401 and reads on", (script: Script) => script.send(nonced(says("401 No"))).hang(), 401],
      ["200 and closes", (script: Script) => script.send(nonced(WORKS)).close(), 200],
    ] as const
  ).flatMap(([what, then, status]) => [
    {
      name: `answers a large upload early with ${what}`,
      scripts: [then(accept().readHead())],
      methods: UPLOADS,
      request: LARGE,
      allowed: [status],
    },
    {
      name: `answers an upload early with ${what}, after a part of it`,
      scripts: [then(accept().readHead().wait(20))],
      methods: UPLOADS,
      request: MEDIUM,
      allowed: [status],
    },
  ]),
  {
    name: "answers an upload early with 413, stops reading, and is destroyed",
    scripts: [
      accept()
        .readHead()
        .stopReading()
        .send(nonced(says("413 Too Large", "connection: close\r\n")))
        .reset(),
    ],
    methods: UPLOADS,
    request: LARGE,
    allowed: [413],
  },
  {
    name: "closes while an upload is under way",
    scripts: [accept().readHead().wait(20).close()],
    methods: UPLOADS,
    request: LARGE,
    allowed: [502],
  },
  {
    name: "resets while an upload is under way",
    scripts: [accept().readHead().wait(20).reset()],
    methods: UPLOADS,
    request: LARGE,
    allowed: [502],
  },
  {
    name: "stops reading an upload",
    scripts: [accept().readHead().stopReading().wait(9_000)],
    methods: UPLOADS,
    request: LARGE,
    allowed: [504],
  },
  {
    name: "takes an upload and stays silent",
    scripts: [read().hang()],
    methods: UPLOADS,
    request: MEDIUM,
    allowed: [504],
  },
  {
    name: "answers an upload early with garbage",
    scripts: [accept().readHead().send("garbage\r\n\r\n").hang()],
    methods: UPLOADS,
    request: LARGE,
    allowed: [502],
  },
  {
    name: "begins to answer an upload early and breaks off",
    scripts: [
      accept()
        .readHead()
        .send(nonced(`${OK}content-length: 100\r\n\r\nhello`))
        .wait(20)
        .reset(),
    ],
    methods: UPLOADS,
    request: LARGE,
    allowed: ["cut", 502],
  },
  {
    name: "says 100 to an upload twice and then answers",
    scripts: [
      accept()
        .readHead()
        .send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
        .readBody()
        .send(nonced(WORKS))
        .hang(),
    ],
    methods: UPLOADS,
    request: MEDIUM,
    allowed: [200],
  },
];

const TIMES: readonly Behaviour[] = [
  {
    name: "trickles a head without end",
    scripts: [
      read()
        .sendSlowly(`${OK}x: ${"y".repeat(500)}`, { bytesPerWrite: 1, everyMs: 15 })
        .hang(),
    ],
    allowed: [504],
  },
  {
    name: "trickles a head that ends in time",
    scripts: [read().sendSlowly(nonced(WORKS), { bytesPerWrite: 1, everyMs: 2 }).hang()],
    options: { timeouts: { responseMs: 3_000 } },
    allowed: [200],
  },
  {
    name: "sends a head of endless size",
    scripts: [
      read()
        .send(OK)
        .sendSlowly(`x-a: ${"b".repeat(1_000)}\r\n`.repeat(500), {
          bytesPerWrite: 4_000,
          everyMs: 1,
        })
        .hang(),
    ],
    options: { timeouts: { responseMs: 3_000 } },
    allowed: [502],
  },
  {
    name: "sends trailers of endless size",
    scripts: [
      read()
        .send(nonced(`${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n`))
        .sendSlowly(`x-t: ${"t".repeat(1_000)}\r\n`.repeat(500), {
          bytesPerWrite: 4_000,
          everyMs: 1,
        })
        .hang(),
    ],
    options: { timeouts: { idleMs: 3_000 } },
    allowed: ["cut", 502],
  },
  {
    name: "floods with interim answers",
    scripts: [
      read()
        .sendSlowly("HTTP/1.1 102 Processing\r\n\r\n".repeat(1_000), {
          bytesPerWrite: 27,
          everyMs: 1,
        })
        .hang(),
    ],
    options: { timeouts: { responseMs: 3_000 } },
    allowed: [502],
  },
  {
    name: "trickles interim answers past the limit of time",
    scripts: [
      read()
        .sendSlowly("HTTP/1.1 102 Processing\r\n\r\n".repeat(15), {
          bytesPerWrite: 27,
          everyMs: 60,
        })
        .hang(),
    ],
    allowed: [504],
  },
  {
    name: "trickles a body for longer than the total limit",
    scripts: [
      read()
        .send(nonced(`${OK}content-length: 40\r\n\r\n`))
        .sendSlowly("b".repeat(40), { bytesPerWrite: 1, everyMs: 20 })
        .hang(),
    ],
    options: { timeouts: { totalMs: 400, idleMs: 3_000 } },
    allowed: [200],
  },
  {
    name: "pauses within a body for longer than the limit",
    scripts: [
      read()
        .send(nonced(`${OK}content-length: 10\r\n\r\nhello`))
        .wait(900)
        .send("hello")
        .hang(),
    ],
    allowed: ["cut", 504],
  },
  {
    name: "answers after the limit of time",
    scripts: [read().wait(900).send(nonced(WORKS)).hang()],
    allowed: [504],
  },
];

const BUSY = says("503 Busy", "retry-after: 120\r\n");

const SAYINGS: readonly Behaviour[] = [
  { name: "says 500", scripts: [answer(says("500 E")).again()], allowed: [500] },
  { name: "says 502", scripts: [answer(says("502 E")).again()], allowed: [502] },
  { name: "says 503 without a time", scripts: [answer(says("503 E")).again()], allowed: [503] },
  { name: "says 503 with a time", scripts: [answer(BUSY).again()], allowed: [503] },
  { name: "says 504", scripts: [answer(says("504 E")).again()], allowed: [504] },
  {
    name: "says 429 with a time",
    scripts: [answer(says("429 E", "retry-after: 120\r\n")).again()],
    allowed: [429],
  },
  { name: "says 421", scripts: [answer(says("421 E")).again()], allowed: [421] },
  { name: "says 407", scripts: [answer(says("407 E")).again()], allowed: [407] },
  { name: "says 599", scripts: [answer(says("599 E")).again()], allowed: [599] },
  {
    name: "says 502 and breaks off",
    scripts: [answer("HTTP/1.1 502 E\r\ncontent-length: 100\r\n\r\nhello").wait(20).reset()],
    allowed: ["cut", 502],
  },
  {
    name: "says 503 once and then works",
    scripts: [answer(says("503 E")).close(), answer(WORKS).again()],
    allowed: [200],
    allowedForPost: [503],
  },
  {
    name: "says 503 with a body that never ends, and then works",
    scripts: [
      read().send(nonced("HTTP/1.1 503 E\r\ncontent-length: 100\r\n\r\nhello")).hang(),
      answer(WORKS).again(),
    ],
    allowed: [200],
    allowedForPost: ["cut", 504],
  },
  {
    name: "says 503 with a very large body, and then works",
    scripts: [
      read()
        .send(nonced(`HTTP/1.1 503 E\r\ncontent-length: 9000000\r\n\r\n${"x".repeat(9_000_000)}`))
        .hang(),
      answer(WORKS).again(),
    ],
    allowed: [200],
    allowedForPost: [503],
  },
];

const certificates = testCertificates();

function tls(name: string, rest: Omit<Behaviour, "name" | "targets">): Behaviour {
  return {
    name: `over TLS: ${name}`,
    targets: (played) => ({
      url: `https://127.0.0.1:${played?.port}`,
      tls: { ca: certificates.ca },
    }),
    ...rest,
  };
}

const HANGS = read().hang();
const SERVES = answer(WORKS).again();

const TLS: readonly Behaviour[] = [
  tls("works", {
    scripts: [SERVES],
    serve: { tls: certificates.valid },
    requests: 2,
    allowed: [200],
  }),
  tls("signed by itself", {
    scripts: [HANGS],
    serve: { tls: certificates.selfSigned },
    allowed: [502],
  }),
  tls("expired", { scripts: [HANGS], serve: { tls: certificates.expired }, allowed: [502] }),
  tls("not yet valid", {
    scripts: [HANGS],
    serve: { tls: certificates.notYetValid },
    allowed: [502],
  }),
  tls("for another name", {
    scripts: [HANGS],
    serve: { tls: certificates.wrongName },
    allowed: [502],
  }),
  // With TLS 1.3 the alert comes after the request may have been sent.
  ...(["TLSv1.2", "TLSv1.3"] as const).map((version) =>
    tls(`asks for a certificate of ours, ${version}`, {
      scripts: [HANGS],
      serve: {
        tls: {
          ...certificates.valid,
          ca: certificates.ca,
          requestCert: true,
          rejectUnauthorized: true,
          minVersion: version,
          maxVersion: version,
        },
      },
      allowed: [502],
    }),
  ),
  tls("no version in common", {
    scripts: [HANGS],
    serve: { tls: { ...certificates.valid, minVersion: "TLSv1", maxVersion: "TLSv1.1" } },
    allowed: [502],
  }),
  tls("plain HTTP in place of it", {
    scripts: [accept().readBytes(1).send("HTTP/1.1 400 Bad\r\n\r\n").close()],
    allowed: [502],
  }),
  tls("garbage in place of it", {
    scripts: [accept().readBytes(1).send("garbage garbage").hang()],
    allowed: [502],
  }),
  tls("closed in the handshake", { scripts: [accept().readBytes(1).close()], allowed: [502] }),
  tls("reset in the handshake", { scripts: [accept().readBytes(1).reset()], allowed: [502] }),
  tls("reset before the handshake", { scripts: [accept().reset()], allowed: [502] }),
  tls("silence in the handshake", { scripts: [accept().readBytes(1).hang()], allowed: [504] }),
  tls("half a server hello", {
    scripts: [
      accept()
        .readBytes(1)
        .send(Uint8Array.of(22, 3, 3, 0, 90, 2, 0))
        .close(),
    ],
    allowed: [502],
  }),
  tls("an alert in the handshake", {
    scripts: [
      accept()
        .readBytes(1)
        .send(Uint8Array.of(21, 3, 3, 0, 2, 2, 40))
        .close(),
    ],
    allowed: [502],
  }),
  tls("a body too short", {
    scripts: [answer(`${OK}content-length: 100\r\n\r\nhello`).wait(15).close()],
    serve: { tls: certificates.valid },
    allowed: ["cut", 502],
  }),
  tls("a body that only a reset ends", {
    scripts: [answer(`${OK}\r\nhello`).wait(15).reset()],
    serve: { tls: certificates.valid },
    allowed: ["cut", 502],
  }),
  tls("a body that the close ends", {
    scripts: [answer(`${OK}\r\nhello`).close()],
    serve: { tls: certificates.valid },
    allowed: [200],
  }),
  tls("reset after the request", {
    scripts: [read().reset()],
    serve: { tls: certificates.valid },
    allowed: [502],
  }),
  tls("closed at rest", {
    scripts: [answer(WORKS).wait(15).close()],
    serve: { tls: certificates.valid },
    requests: 3,
    pauseMs: 50,
    allowed: [200],
  }),
  {
    name: "plain text to a port that speaks TLS",
    scripts: [HANGS],
    serve: { tls: certificates.valid },
    targets: (played) => `http://127.0.0.1:${played?.port}`,
    allowed: [502],
  },
];

const UNIX: readonly Behaviour[] = [
  {
    name: "over a Unix socket: works",
    scripts: [SERVES],
    serve: { unix: true },
    requests: 2,
    allowed: [200],
  },
  {
    name: "over a Unix socket: closes after the request",
    scripts: [read().close()],
    serve: { unix: true },
    allowed: [502],
  },
  {
    name: "over a Unix socket: destroyed after the request",
    scripts: [read().reset()],
    serve: { unix: true },
    allowed: [502],
  },
  {
    name: "over a Unix socket: a body too short",
    scripts: [answer(`${OK}content-length: 100\r\n\r\nhello`).close()],
    serve: { unix: true },
    allowed: ["cut", 502],
  },
  {
    name: "over a Unix socket: closed at rest",
    scripts: [answer(WORKS).wait(15).close()],
    serve: { unix: true },
    requests: 3,
    pauseMs: 50,
    allowed: [200],
  },
  {
    name: "over a Unix socket: nobody there",
    scripts: [],
    targets: () => `unix:${join(tmpdir(), "good-gateway-nobody-here.sock")}`,
    allowed: [502],
  },
  {
    name: "over a Unix socket: a folder",
    scripts: [],
    targets: () => `unix:${tmpdir()}`,
    allowed: [500, 502],
  },
  {
    name: "over a Unix socket: a file that is no socket",
    scripts: [],
    targets: () => `unix:${process.execPath}`,
    allowed: [500, 502],
  },
  {
    name: "over a Unix socket: below a file",
    scripts: [],
    targets: () => `unix:${process.execPath}/app.sock`,
    allowed: [500, 502],
  },
  {
    name: "over a Unix socket: a path that is too long",
    scripts: [],
    targets: () => `unix:/${"x".repeat(200)}`,
    allowed: [500, 502],
  },
];

export const BEHAVIOURS: readonly Behaviour[] = [
  ...OPENINGS,
  ...LATER,
  ...UPLOADING,
  ...TIMES,
  ...SAYINGS,
  ...TLS,
  ...UNIX,
];
