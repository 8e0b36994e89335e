/**
 * What a broken scenario is made of: applications, fronts and pools that are ended with it. Each
 * scenario has a stage of its own, so that several can run side by side.
 */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer as createHttp, type RequestListener, type ServerOptions } from "node:http";
import { connect, createServer as createRaw, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, listening, type Process, startProcess } from "./processes.js";
import { programPath } from "./programs.js";

const POLL_MS = 50;
/** What a backend that is well has: longer than the pools of fronts. */
const KEEP_ALIVE_MS = 70_000;
const FPM = ["php-fpm8.2", "php-fpm8.3", "php-fpm8.4", "php-fpm"] as const;
const MODULES = ["mpm_event", "authz_core", "proxy", "proxy_http", "proxy_balancer"] as const;
const MORE_MODULES = ["slotmem_shm", "lbmethod_byrequests", "rewrite", "ssl"] as const;

export interface Front {
  readonly port: number;
  readonly config: string;
}

export type Stage = ReturnType<typeof stageIn>;

/** A stage in a folder of its own; `root` must be one that other users may enter. */
export function stageIn(root: string, name: string) {
  const folder = join(root, name.replace(/\W+/g, "-"));
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  const closers: (() => unknown)[] = [];
  let files = 0;

  const write = (file: string, text: string): string => {
    files += 1;
    mkdirSync(join(folder, `${files}`));
    const path = join(folder, `${files}`, file);
    writeFileSync(path, text);
    return path;
  };
  const started = (command: string, args: readonly string[]): Process => {
    const running = startProcess(command, args);
    closers.push(() => running.stop("SIGTERM"));
    return running;
  };
  const listen = async (server: Server, place: number | string = 0): Promise<number> => {
    const sockets = new Set<import("node:net").Socket>();
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
    });
    await new Promise<void>((resolve) =>
      typeof place === "string"
        ? server.listen(place, resolve)
        : server.listen(place, "127.0.0.1", resolve),
    );
    closers.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const at = server.address();
    return typeof at === "object" && at !== null ? at.port : 0;
  };

  return {
    folder,
    write,
    started,
    listen,
    later: (close: () => unknown) => void closers.push(close),
    app: (
      listener: RequestListener,
      options: ServerOptions = { keepAliveTimeout: KEEP_ALIVE_MS },
    ) => listen(createHttp(options, listener)),
    /** Answers with these bytes, whatever it is asked. */
    answers: (bytes: string) =>
      listen(createRaw((socket) => socket.once("data", () => socket.end(bytes)))),

    async nginx(http: string, user = "root"): Promise<Front> {
      const port = await freePort();
      const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
      const config = write(
        "nginx.conf",
        [
          `daemon off; user ${user}; worker_processes 1; pid ${folder}/nginx.pid;`,
          `error_log ${folder}/error.log; events {}`,
          "http { access_log off;",
          ...temporary.map((one) => `${one}_temp_path ${folder}/${one};`),
          `${http.replaceAll("$port", `127.0.0.1:${port}`)} }`,
        ].join("\n"),
      );
      started(programPath("nginx") as string, ["-c", config, "-e", `${folder}/error.log`]);
      await listening(port);
      return { port, config };
    },
    async apache(lines: string, modules: readonly string[] = MODULES): Promise<Front> {
      const port = await freePort();
      const all = modules === MODULES ? [...MODULES, ...MORE_MODULES] : modules;
      const config = write(
        "httpd.conf",
        [
          `ServerRoot ${folder}\nServerName localhost\nListen 127.0.0.1:${port}`,
          `PidFile ${folder}/httpd.pid\nErrorLog ${folder}/error.log\nMutex file:${folder}`,
          `User www-data\nGroup www-data\nDefaultRuntimeDir ${folder}`,
          ...all.map((one) => `LoadModule ${one}_module ${APACHE_MODULES}/mod_${one}.so`),
          lines.replaceAll("$port", `${port}`),
          "",
        ].join("\n"),
      );
      started(programPath("apache2") as string, ["-X", "-f", config]);
      await listening(port);
      return { port, config };
    },
    async haproxy(lines: string): Promise<Front> {
      const port = await freePort();
      const config = write(
        "haproxy.cfg",
        "defaults\n  mode http\n  timeout connect 1s\n  timeout client 9s\n  timeout server 9s\n" +
          `${lines.replaceAll("$port", `127.0.0.1:${port}`)}\n`,
      );
      started(programPath("haproxy") as string, ["-db", "-f", config]);
      await listening(port);
      return { port, config };
    },
    /** A pool of PHP-FPM; resolves with where it listens. */
    async fpm(settings = "", at = join(folder, "fpm.sock")): Promise<string> {
      const config = write(
        "fpm.conf",
        `[global]\nerror_log = ${folder}/fpm.log\ndaemonize = no\n[www]\nlisten = ${at}\n` +
          "user = www-data\ngroup = www-data\nlisten.mode = 0666\npm = static\n" +
          `pm.max_children = 2\npm.status_path = /status\nping.path = /ping\n${settings}\n`,
      );
      const program = FPM.map(programPath).find((path) => path !== null) as string;
      started(program, ["-y", config, "-F", "-R"]);
      while (!(await accepts(at))) await sleep(POLL_MS);
      return at.startsWith("/") ? `unix:${at}` : at;
    },
    async end(): Promise<void> {
      for (const close of closers.splice(0).reverse()) await close();
    },
  };
}

const APACHE_MODULES = "/usr/lib/apache2/modules";

function accepts(place: string): Promise<boolean> {
  const port = Number(place.split(":")[1]);
  return new Promise((resolve) => {
    const socket = place.startsWith("/") ? connect(place) : connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
