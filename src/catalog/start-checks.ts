/**
 * Start checks: settings of the gateway, of its server and of the process that are known to end in
 * a 502, each with the fix. One row each; lifecycle/start-checks.ts finds them.
 */

/** One check. */
export interface StartCheckRow {
  /** A warning is emitted once; a note only appears in a diagnosis, since it may be intended. */
  readonly level: "warning" | "note";
  /** The finding, as one sentence. */
  readonly wrong: string;
  /** What to write instead. */
  readonly fix: string;
}

export const START_CHECKS = {
  scheme_port_mismatch: {
    level: "warning",
    wrong: "A target speaks http to port 443, or https to port 80.",
    fix: "write https:// for port 443 and http:// for port 80",
  },
  listen_address_as_target: {
    level: "warning",
    wrong: "A target is 0.0.0.0 or [::], an address to listen on and not one to connect to.",
    fix: "write the address of the application, such as 127.0.0.1",
  },
  target_is_this_server: {
    level: "warning",
    wrong: "A target is the address on which this server listens, so requests loop.",
    fix: "write the port of the application; this server has one of its own",
  },
  tls_unverified: {
    level: "warning",
    wrong: "NODE_TLS_REJECT_UNAUTHORIZED=0 disables all certificate checks.",
    fix: "unset it, and configure the CA: tls: { ca: readFileSync(…) }",
  },
  tls_name_missing: {
    level: "warning",
    wrong: "An https target has an IP address, and no name to check its certificate against.",
    fix: 'add the name: { url: "https://10.0.0.5", host: "orders.internal" }',
  },
  unix_path_too_long: {
    level: "warning",
    wrong: "The path of a Unix socket is longer than the system allows.",
    fix: "put the socket into a folder with a shorter path, such as /run/app.sock",
  },
  unix_socket_forbidden: {
    level: "warning",
    wrong: "A Unix socket exists, but this process has no permission to write to it.",
    fix: "add this user to the socket's group, and set the socket's mode to 0660",
  },
  unix_socket_missing: {
    level: "note",
    wrong: "A Unix socket did not exist when the gateway was created.",
    fix: "start the application, or compare the path with the one on which it listens",
  },
  loopback_in_container: {
    level: "note",
    wrong: "A target is on loopback, which inside a container is the container itself.",
    fix: "to reach another container, write its service name instead of localhost",
  },
  proxy_environment: {
    level: "warning",
    wrong: "HTTP_PROXY or HTTPS_PROXY is set but not used: targets are connected to directly.",
    fix: "allow this host to reach the target, or add the target to NO_PROXY if this is intended",
  },
  open_files: {
    level: "warning",
    wrong: "The upstreams may open more connections than this process may have open files.",
    fix: "raise the limit (LimitNOFILE=, ulimit -n), or lower limits.connectionsMax",
  },
  heap_beyond_memory: {
    level: "warning",
    wrong: "The heap of this process may grow beyond the memory of its container.",
    fix: "set --max-old-space-size to three quarters of the container's memory",
  },
  node_version: {
    level: "warning",
    wrong: "This version of Node is older than the ones that this package is tested with.",
    fix: "use Node 20.19 or newer",
  },
  no_time_limit: {
    level: "warning",
    wrong: "No timeout ends a call to an upstream that never answers.",
    fix: "set timeouts.responseMs or timeouts.totalMs",
  },
  broken_target_stays: {
    level: "warning",
    wrong: "Nothing removes a failing target: breaker, ejection and probe are all off.",
    fix: "leave breaker or ejection on, or set probe: { path }",
  },
  retries_without_budget: {
    level: "warning",
    wrong: "There may be as many repeats as calls, which doubles the load of a broken upstream.",
    fix: "leave retry.budgetRatio at 0.2, and budgetFloorPerSecond finite",
  },
  no_probe_path: {
    level: "note",
    wrong: "Several targets and no probe: a broken target is only detected by failing calls.",
    fix: 'set probe: { path: "/healthz" }',
  },
  platform_unknown: {
    level: "warning",
    wrong: "The platform's router keeps connections longer than this server does.",
    fix: 'write behind: "auto", or set server.keepAliveTimeout above the router\'s time',
  },
  host_differs_from_tls: {
    level: "note",
    wrong: "Requests keep the client's Host, and TLS names the target: some servers answer 421.",
    fix: 'set host: "target" in the proxy, or give the target tls: { servername } of the site',
  },
  server_keep_alive_short: {
    level: "warning",
    wrong: "server.keepAliveTimeout was set below the time for which the front keeps connections.",
    fix: "remove it, since behind sets it, or set it above that time",
  },
  server_headers_timeout_short: {
    level: "warning",
    wrong: "server.headersTimeout was set below the time for which the front keeps connections.",
    fix: "set it above server.keepAliveTimeout: unused connections are answered with 408",
  },
  server_timeout_short: {
    level: "warning",
    wrong: "server.timeout destroys connections while a call may still be answered.",
    fix: "leave it at 0, and set timeouts.totalMs",
  },
  server_request_timeout_short: {
    level: "warning",
    wrong: "server.requestTimeout ends an upload, with 408, before timeouts.totalMs does.",
    fix: "set server.requestTimeout above timeouts.totalMs, or to 0",
  },
} as const satisfies Record<string, StartCheckRow>;

export type StartCheckCode = keyof typeof START_CHECKS;

/** The code of the process warning, for `--disable-warning` and `process.on("warning")`. */
export function warningCode(code: StartCheckCode): string {
  return `GOOD_GATEWAY_${code.toUpperCase()}`;
}
