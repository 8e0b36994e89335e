/**
 * Servers of a stage besides nginx, Apache, HAProxy and PHP-FPM, each in the foreground, with a
 * configuration of its own: fronts resolve with where they listen, applications with their address.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, listening } from "./processes.js";
import { programPath } from "./programs.js";
import type { Front, Stage } from "./stage.js";

type Start = (stage: Stage, lines: string) => Promise<Front>;

/** A virtual machine takes its time on a machine that is busy. */
const JAVA_MS_MAX = 60_000;

const program = (name: string): string => programPath(name) as string;

async function front(
  stage: Stage,
  file: string,
  lines: string,
  command: (config: string, port: number) => readonly [string, readonly string[]],
): Promise<Front> {
  const port = await freePort();
  const config = stage.write(file, `${lines.replaceAll("$port", `${port}`)}\n`);
  stage.started(...command(config, port));
  await listening(port);
  return { port, config };
}

export const FRONTS: Readonly<Record<string, Start>> = {
  nginx: (stage, lines) => stage.nginx(lines),
  haproxy: (stage, lines) => stage.haproxy(lines),
  apache: (stage, lines) => stage.apache(lines),
  caddy: (stage, lines) =>
    front(
      stage,
      "Caddyfile",
      `{\nadmin off\nauto_https off\nstorage file_system ${stage.folder}\n}\n${lines}`,
      (config) => [program("caddy"), ["run", "--config", config, "--adapter", "caddyfile"]],
    ),
  varnish: (stage, lines) =>
    front(stage, "default.vcl", `vcl 4.1;\n${lines}`, (config, port) => [
      program("varnishd"),
      [
        ...["-F", "-j", "none", "-a", `127.0.0.1:${port}`, "-f", config],
        ...["-n", join(stage.folder, "varnish"), "-s", "default,8m"],
      ],
    ]),
  lighttpd: (stage, lines) =>
    front(
      stage,
      "lighttpd.conf",
      [
        `server.document-root = "${stage.folder}"`,
        'server.bind = "127.0.0.1"\nserver.port = $port',
        `server.errorlog = "${stage.folder}/error.log"`,
        lines,
      ].join("\n"),
      (config) => [program("lighttpd"), ["-D", "-f", config]],
    ),
};

const APP = `
import os, time
def application(environ, start_response):
    path = environ.get("PATH_INFO", "/")
    if path.startswith("/slow"): time.sleep(30)
    if path.startswith("/exit"): os._exit(1)
    status = "200 OK"
    if path.startswith("/error"): raise ValueError("no such order")
    if path.startswith("/busy"): status = "503 Service Unavailable"
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]
`;

/** What stands behind a front, by its name in a case; resolves with its address. */
export const BEHIND: Readonly<
  Record<string, (stage: Stage, args: readonly string[]) => Promise<string>>
> = {
  async gunicorn(stage, args) {
    const port = await freePort();
    const folder = join(stage.write("app.py", APP), "..");
    stage.started(program("gunicorn"), [
      ...["--chdir", folder, "-b", `127.0.0.1:${port}`, "app", ...args],
    ]);
    await listening(port);
    return `127.0.0.1:${port}`;
  },
  async uwsgi(stage, args) {
    const [kind = "--socket", ...others] = args;
    const port = await freePort();
    const file = stage.write("app.py", APP);
    stage.started(program("uwsgi"), [
      ...["--plugin", "python3", kind, `127.0.0.1:${port}`, "--master", "--die-on-term"],
      ...(others.includes("--no-app") ? [] : ["--wsgi-file", file]),
      ...others.filter((one) => one !== "--no-app"),
    ]);
    await listening(port);
    return `127.0.0.1:${port}`;
  },
  async fpm(stage, [limit, script = ""]) {
    writeFileSync(join(stage.folder, "index.php"), script);
    return stage.fpm(limit);
  },
  async memcached(stage) {
    const port = await freePort();
    stage.started(program("memcached"), ["-l", "127.0.0.1", "-p", `${port}`, "-u", "nobody"]);
    await listening(port);
    return `127.0.0.1:${port}`;
  },
  async tomcat(stage, [connector = "HTTP/1.1", more = ""]) {
    const port = await freePort();
    const server = `<Server port="-1"><Service name="Catalina">
      <Connector port="${port}" address="127.0.0.1" protocol="${connector}"
      ${more}/>
      <Engine name="Catalina" defaultHost="localhost">
      <Host name="localhost" appBase="webapps"/></Engine></Service></Server>`;
    const file = stage.write("server.xml", server);
    const home = "/usr/share/tomcat10";
    const base = join(file, "..");
    stage.started(program("java"), [
      ...[
        "-Xmx64m",
        "-XX:TieredStopAtLevel=1",
        `-Dcatalina.home=${home}`,
        `-Dcatalina.base=${base}`,
      ],
      ...[
        `-Djava.io.tmpdir=${base}`,
        "-cp",
        `${home}/bin/bootstrap.jar:${home}/bin/tomcat-juli.jar`,
      ],
      ...["org.apache.catalina.startup.Bootstrap", "-config", file, "start"],
    ]);
    await listening(port, "127.0.0.1", JAVA_MS_MAX);
    return `127.0.0.1:${port}`;
  },
};
