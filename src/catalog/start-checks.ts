/**
 * What is wrong before the first request: settings of the gateway, of its server and of the process
 * that are known to end in a 502, each with the fix. One row each; gateway/start-checks.ts finds
 * them.
 */

/** One thing that is looked at. */
export interface StartCheckRow {
  /** A warning is told once; a note is only part of a diagnosis, since it may be meant. */
  readonly told: "warning" | "note";
  /** What is found, as one sentence. */
  readonly wrong: string;
  /** What to write instead. */
  readonly fix: string;
}

export const START_CHECKS = {
  scheme_port_mismatch: {
    told: "warning",
    wrong: "A target speaks http to port 443, or https to port 80.",
    fix: "write https:// for port 443 and http:// for port 80",
  },
  listen_address_as_target: {
    told: "warning",
    wrong: "A target is 0.0.0.0 or [::], where one can listen, and which is no address to ask.",
    fix: "write the address of the application, such as 127.0.0.1",
  },
  target_is_this_server: {
    told: "warning",
    wrong: "A target is the address on which this server listens, so requests go round.",
    fix: "write the port of the application; this server has one of its own",
  },
  tls_unverified: {
    told: "warning",
    wrong: "NODE_TLS_REJECT_UNAUTHORIZED=0 switches off all checks of certificates.",
    fix: "unset it, and give the authority: tls: { ca: readFileSync(…) }",
  },
  tls_name_missing: {
    told: "warning",
    wrong: "A target of https has an IP address, and no name that its certificate could be for.",
    fix: 'write the name, too: { url: "https://10.0.0.5", host: "orders.internal" }',
  },
  unix_path_too_long: {
    told: "warning",
    wrong: "The path of a Unix socket is longer than the system takes.",
    fix: "put the socket into a folder with a shorter path, such as /run/app.sock",
  },
  unix_socket_forbidden: {
    told: "warning",
    wrong: "This process may not write to a Unix socket that is there.",
    fix: "give its group to this user, and mode 0660 to the socket",
  },
  unix_socket_missing: {
    told: "note",
    wrong: "A Unix socket was not there when the gateway was made.",
    fix: "start the application, or compare the path with the one on which it listens",
  },
  loopback_in_container: {
    told: "note",
    wrong: "A target is on the loopback interface, which in a container is the container's own.",
    fix: "for another container write the name of its service in place of localhost",
  },
  proxy_environment: {
    told: "warning",
    wrong: "HTTP_PROXY or HTTPS_PROXY is set, and not used: targets are asked directly.",
    fix: "allow this host to reach the target, or add the target to NO_PROXY if that is meant",
  },
  open_files: {
    told: "warning",
    wrong: "The upstreams may have more connections than this process may have open files.",
    fix: "raise the limit (LimitNOFILE=, ulimit -n), or lower limits.connectionsMax",
  },
  heap_beyond_memory: {
    told: "warning",
    wrong: "The heap of this process may grow beyond the memory of its container.",
    fix: "set --max-old-space-size to three quarters of the container's memory",
  },
  node_version: {
    told: "warning",
    wrong: "This version of Node is older than those that the package is tested with.",
    fix: "use Node 20.19 or newer",
  },
  no_time_limit: {
    told: "warning",
    wrong: "No timeout ends a call to an upstream that never answers.",
    fix: "set timeouts.responseMs or timeouts.totalMs",
  },
  broken_target_stays: {
    told: "warning",
    wrong: "Nothing takes a target that fails out of several: no breaker, no ejection, no probe.",
    fix: "leave breaker or ejection on, or set probe: { path }",
  },
  retries_without_budget: {
    told: "warning",
    wrong: "Repeats may be as many as calls or more, which doubles the load of what is broken.",
    fix: "leave retry.budgetRatio at 0.2, and budgetFloorPerSecond finite",
  },
  no_probe_path: {
    told: "note",
    wrong: "Several targets and no probe: one that is broken is found by calls that fail.",
    fix: 'set probe: { path: "/healthz" }',
  },
  platform_unknown: {
    told: "warning",
    wrong: "The platform's router keeps connections longer than this server does.",
    fix: 'write behind: "auto", or set server.keepAliveTimeout above the router\'s time',
  },
  server_keep_alive_short: {
    told: "warning",
    wrong: "server.keepAliveTimeout was set below the time for which the front keeps connections.",
    fix: "leave it alone beside behind, or set it above",
  },
  server_headers_timeout_short: {
    told: "warning",
    wrong: "server.headersTimeout was set below the time for which the front keeps connections.",
    fix: "set it above server.keepAliveTimeout: what rests unused is answered with 408",
  },
  server_timeout_short: {
    told: "warning",
    wrong: "server.timeout destroys connections while a call may still be answered.",
    fix: "leave it at 0, and set timeouts.totalMs",
  },
  server_request_timeout_short: {
    told: "warning",
    wrong: "server.requestTimeout ends an upload, with 408, before timeouts.totalMs does.",
    fix: "set server.requestTimeout above timeouts.totalMs, or to 0",
  },
} as const satisfies Record<string, StartCheckRow>;

export type StartCheckCode = keyof typeof START_CHECKS;

/** The code of the process warning, for `--disable-warning` and `process.on("warning")`. */
export function warningCode(code: StartCheckCode): string {
  return `GOOD_GATEWAY_${code.toUpperCase()}`;
}
