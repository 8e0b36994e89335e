/**
 * Request targets, hosts and methods that mean one thing to a rule and another to the upstream, or
 * lead to where nobody wanted to go.
 */
import { expect } from "vitest";
import type { Door } from "../../doors/door.js";
import { atCallers, atProxies, type HostileKind, overWire } from "../kind.js";
import { type Ground, type GroundOptions, on } from "../tools/ground.js";
import type { SentRequest } from "../tools/hostile-upstream.js";
import { type CameBack, sendParts } from "../tools/raw-bytes.js";
import { isSeen } from "./smuggling.js";

/** Of webProxy a server that is not ours has read the target, and made a URL of it. */
const readsTargets = (door: Door): boolean => overWire(door) && door.requests !== true;

const UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\n";

interface Lines extends Partial<HostileKind> {
  readonly options?: GroundOptions;
  readonly body?: string;
  /** Throws what got through. */
  readonly judge?: (
    sent: readonly SentRequest[],
    came: readonly CameBack[],
    ground: Ground,
  ) => void;
}

/** Heads of requests, each over a connection of its own. */
function heads(name: string, lines: readonly string[], more: Lines): HostileKind {
  const { options = {}, judge = () => {}, body = "", ...rest } = more;
  return {
    name,
    from: "client",
    at: readsTargets,
    ...rest,
    attempt: (door) =>
      on(door, {}, options, async (ground) => {
        const came = await Promise.all(
          lines
            .filter((line) => isSeen(door, line))
            .map((line) => {
              const [first = "", ...fields] = line.split("\n");
              const all = [first, ...withHost(fields)].map((one) => `${one}\r\n`).join("");
              const upgrade = door.kind === "upgrade" ? UPGRADE : "Connection: close\r\n";
              return sendParts(ground.port, [`${all}${upgrade}\r\n${body}`], 2_500);
            }),
        );
        const own = ground.upstream.requests().filter(({ line }) => !line.includes("/well-"));
        judge(own, came, ground);
      }),
  };
}

function withHost(fields: readonly string[]): readonly string[] {
  const has = fields.some((one) => /^(?:host\s*:|nohost)/i.test(one));
  return (has ? fields : ["Host: edge.example", ...fields]).filter((one) => one !== "nohost");
}

const get = (targets: readonly string[]): readonly string[] =>
  targets.map((target) => `GET ${target} HTTP/1.1`);

/** The upstream got none of it, or exactly the path that stands there. */
const pathsOf = (sent: readonly SentRequest[]): readonly string[] =>
  sent.map(({ line }) => line.split(" ")[1] ?? "");

const admitted: GroundOptions = {
  proxy: {
    admit: (req: { readonly url?: string }, { path }: { readonly path: string }) =>
      path.startsWith("/admin") || (req.url ?? "").startsWith("/admin")
        ? { refuse: "request_denied" }
        : null,
  } as never,
};

export const TARGET_KINDS: readonly HostileKind[] = [
  heads(
    "a target in absolute-form passes a rule on its path",
    get(["http://a/admin", "HTTP://edge.example/admin", "https://a:1/admin?x", "http://a/admin/x"]),
    {
      options: admitted,
      judge: (sent) => expect(pathsOf(sent)).toEqual([]),
    },
  ),
  heads(
    "a target in absolute-form chooses the upstream",
    get(["http://127.0.0.1:1/x", "http://169.254.169.254/latest", "https://evil.example/x"]),
    { judge: (sent) => expect(pathsOf(sent).every((path) => path.startsWith("/"))).toBe(true) },
  ),
  heads(
    "an authority with a user, a fragment, or none at all",
    get(["http://user:pw@a/x", "http:///x", "http://", "http://a#b/x", "http://a b/x", "//evil/x"]),
    {
      judge: (sent) => {
        // A path of two slashes is a path; the upstream stays ours.
        expect(pathsOf(sent).filter((path) => path !== "//evil/x")).toEqual([]);
      },
    },
  ),
  heads(
    "other schemes and sockets in the target",
    get([
      ...["ftp://a/x", "file:///etc/passwd", "unix:/var/run/docker.sock", "gopher://a:70/_x"],
      ...["javascript:alert(1)", "a:b", "@evil/x", ":80/x", "evil.example/x", "evil.example:80"],
    ]),
    {
      seen: "CVE-2021-40438 (Apache)",
      judge: (sent) => expect(pathsOf(sent)).toEqual([]),
    },
  ),
  heads(
    "CONNECT, and other requests for an authority",
    ["CONNECT evil.example:443 HTTP/1.1", "CONNECT 127.0.0.1:22 HTTP/1.1", "GET * HTTP/1.1"],
    {
      at: (door) => atProxies(door) && readsTargets(door),
      judge: (sent, came) => {
        expect(pathsOf(sent)).toEqual([]);
        for (const { statuses } of came) expect(statuses).not.toContain(200);
      },
    },
  ),
  heads(
    "a path that climbs out of the prefix of the target",
    get([
      ...[
        "/../admin",
        "/%2e%2e/admin",
        "/.%2E/admin",
        "/..;/admin",
        "/x/../../admin",
        "/..;a=b/admin",
      ],
      ...[
        "/..%2fadmin",
        "/%2e%2e%2fadmin",
        "/..%5cadmin",
        "/..\\admin",
        "/x/..%2f..%2fadmin",
        "//../admin",
      ],
    ]),
    {
      seen: "CVE-2021-21322 (fastify-reply-from), CVE-2025-47952 (Traefik)",
      judge: (sent) => expect(pathsOf(sent)).toEqual([]),
    },
  ),
  heads(
    "a path that two readers normalise in different ways",
    get([
      "/a/./b",
      "/a//b",
      "/%61dmin",
      "/a/b/../c",
      "/%252e%252e/admin",
      "/%c0%ae%c0%ae/x",
      "/a%00b",
    ]),
    {
      inherent:
        "a path is sent byte for byte as it was judged; what else it means is the application's. " +
        "Rules get the very path that is sent, so a list of known paths holds",
      judge: (sent) => {
        const paths = ["/a/./b", "/a//b", "/%61dmin", "/a/b/../c", "/%252e%252e/admin"];
        for (const path of pathsOf(sent)) {
          expect([...paths, "/%c0%ae%c0%ae/x", "/a%00b"]).toContain(path);
        }
      },
    },
  ),
  heads(
    "bytes in the target that no request line can hold",
    get([
      ...["/a\0b", "/a\tb", "/a\x7fb", "/a\x80b", "/a\xff", "/\xef\xbc\x8e\xef\xbc\x8e/admin"],
      ...["/a\rb", "/a\vb", "/a#b", "/index.html#.png"],
    ]),
    { seen: "CVE-2023-45539 (HAProxy)", judge: (sent) => expect(pathsOf(sent)).toEqual([]) },
  ),
  heads(
    "several Hosts, none, or one that is no authority",
    [
      ...["Host: a\nHost: b", "Host: a, b", "Host: a/../b", "Host: a@b", "Host: a b", "Host: a\\b"],
      ...["Host: a?b", "Host: a#b", "Host : a", " Host: a", "Host: http://a", "nohost"],
      "Host: \xe4",
    ].map((fields) => `GET /x HTTP/1.1\n${fields}`),
    { judge: (sent) => expect(sent.map(({ field }) => field("host"))).toEqual([]) },
  ),
  heads(
    "a Host beside another authority, or a port, chooses the upstream",
    ["GET http://a/x HTTP/1.1\nHost: b", "GET /x HTTP/1.1\nHost: evil.example:25"],
    {
      inherent:
        'Host is passed on, as the application may serve several names; host: "target" sends ' +
        "the target's own, and the target is never chosen by it",
      judge: (sent) => {
        for (const { field } of sent) {
          expect(
            ["a", "evil.example:25"].some((host) => field("host") === host) ||
              /127/.test(field("host") ?? ""),
          ).toBe(true);
        }
      },
    },
  ),
  heads(
    "methods that are none, or another protocol",
    [
      ...["GE T /x HTTP/1.1", "\0GET /x HTTP/1.1", "G\tT /x HTTP/1.1", "PRI * HTTP/2.0"],
      ...[
        "GET /x",
        "GET /x HTTP/2.0",
        "GET /x HTTP/1.9",
        "GET /x http/1.1",
        "GET /x HTTP/1.1 HTTP/1.1",
      ],
      ...["GET /x HTTP/0.9", `${"A".repeat(70_000)} /x HTTP/1.1`],
    ],
    { judge: (sent) => expect(sent.map(({ line }) => line.slice(0, 60))).toEqual([]) },
  ),
  heads(
    "another method in a field",
    ["GET /x HTTP/1.1\nX-HTTP-Method-Override: DELETE", "GET /x HTTP/1.1\nX-HTTP-Method: DELETE"],
    {
      at: atProxies,
      inherent: "a field of the application's own, passed on as any other; the method stays GET",
      judge: (sent) =>
        expect(sent.map(({ line }) => line)).toEqual(["GET /x HTTP/1.1", "GET /x HTTP/1.1"]),
    },
  ),
  heads(
    "TRACE gives a cookie or a credential back",
    ["TRACE /x HTTP/1.1\nCookie: secret\nAuthorization: secret\nMax-Forwards: 0"],
    {
      at: atProxies,
      judge: (_sent, came) => {
        for (const { text } of came) expect(text).not.toContain("secret");
      },
    },
  ),
  heads(
    "a page of an error repeats what the client wrote",
    get(["/<script>x", '/"><script>x', "/../<script>"]).map(
      (line) => `${line}\nAccept: text/html\nHost: <script>`,
    ),
    {
      judge: (_sent, came) => {
        for (const { text } of came) expect(text).not.toContain("<script>");
      },
    },
  ),
  {
    name: "a path, a query or fields that an application hands on make a second request",
    from: "application's user",
    seen: "CVE-2022-31150, CVE-2022-35948 (undici)",
    at: atCallers,
    attempt: (door) =>
      on(door, {}, {}, async ({ ask, upstream }) => {
        const splits = [
          "\r\nX-Admin: 1\r\n\r\nGET /hidden HTTP/1.1\r\n\r\n",
          " HTTP/1.1\r\nX: ",
          "\n",
        ];
        for (const split of splits) {
          await ask({ path: `/a?b=${split}` });
          await ask({ method: `GET${split}` });
          await ask({ fields: { [`x${split}`]: "a" } });
          await ask({ fields: { "x-a": `a${split}b` } });
          await ask({ fields: { host: `a${split}b` } });
        }
        for (const { line, field } of upstream.requests()) {
          expect(line).toMatch(/^GET \S+ HTTP\/1\.1$/);
          expect([line, field("x-admin")]).toEqual([line, undefined]);
          expect(line).not.toContain("GET /hidden");
        }
      }),
  },
  {
    name: "lengths, codings and hosts that an application hands on twice, in other spellings",
    from: "application's user",
    seen: "CVE-2026-1525, CVE-2026-1527 (undici)",
    // A fetch function of the application's own frames its requests itself.
    at: (door) => atCallers(door) && door.engine !== "foreign fetch",
    attempt: (door) =>
      on(door, {}, {}, async ({ ask, upstream }) => {
        const hidden = "GET /hidden HTTP/1.1\r\nhost: a\r\n\r\n";
        const lists: readonly Record<string, string>[] = [
          { "content-length": "0", "Content-Length": String(hidden.length) },
          { "Content-Length": "0", "content-length": "5" },
          { "content-length": "0", "Transfer-Encoding": "chunked" },
          { "transfer-encoding": "chunked, x", Content_Length: "0" },
          { host: "a", Host: "b" },
          { connection: "content-length, host, upgrade", upgrade: "h2c\r\nx-admin: 1" },
        ];
        for (const fields of lists) await ask({ method: "POST", fields, body: hidden as never });
        for (const { line, field } of upstream.requests()) {
          expect(line).not.toContain("hidden");
          expect(field("x-admin")).toBeUndefined();
          expect(field("content-length") ?? "").not.toContain(",");
        }
      }),
  },
  {
    name: "a path of a user leads to another host, or past the prefix of the target",
    from: "application's user",
    seen: "CVE-2022-35949 (undici)",
    at: atCallers,
    attempt: (door) =>
      on(door, {}, {}, async ({ ask, upstream }) => {
        for (const path of ["//evil.example/x", "/\\evil.example/x", "//127.0.0.1:9/x"]) {
          const before = upstream.requests().length;
          const { status } = await ask({ path });
          if (status !== null) expect(upstream.requests().length).toBe(before + 1);
        }
      }),
  },
];
