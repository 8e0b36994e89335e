/**
 * Messages of routers in front of containers and functions: Fly, Render, Railway, Cloud Run, Azure,
 * DigitalOcean, Cloud Foundry, Kong, Linkerd, OpenShift, cloudflared, Fastly, Akamai and F5.
 */
import { type Dialect, dialectOfLines } from "./foreign-term.js";

const LISTEN =
  "Listen on process.env.PORT and on 0.0.0.0, and compare it with the port in settings.";
const SLOW = "Answer within the router's limit, or with 202 and a job; then raise the limit.";
const CRASH = "Read the application's log at this second: a crash, a restart, a kill for memory.";

/** Its codes stand in brackets or as a message; elsewhere such letters mean other things. */
const code = (codes: string): RegExp => new RegExp(`(?:^|\\[|="|: ")(?:${codes})(?:\\]|"|$|:)`);

export const ROUTERS: readonly Dialect[] = [
  dialectOfLines(
    "Fly",
    [
      "PC01, PC02: instance refused connection",
      [/instance refused connection|is your app listening on/i, code("PC0[12]")],
      "Fly's proxy reached the machine, but nothing listens on internal_port.",
      ["connection_refused"],
      LISTEN,
    ],
    [
      "PC05, PC07: timed out while connecting to your instance",
      [/timed out while connecting to your instance/, code("PC0[5-7]")],
      "Fly's proxy did not get a connection to the machine in time.",
      ["connection_timeout", "connection_refused"],
      LISTEN,
      "Is the machine overloaded? concurrency limits, CPU and memory in its metrics",
    ],
    [
      "PC03, PC04: connection reset or aborted",
      code("PC0[34]"),
      "The application reset the connection.",
      ["connection_terminated", "stale_connection"],
      CRASH,
    ],
    [
      "PM01 … PM13: the machine did not start",
      [/failed to (?:change machine state|connect to machine)/, code("PM(?:0\\d|1[0-3])")],
      "The machine was stopped, and could not be started in time for this request.",
      ["no_healthy_target", "connection_timeout"],
      "fly machine status ID and its events; min_machines_running keeps one running.",
    ],
    [
      "PT01 … PT09: TLS with the client",
      [/no valid tls certificate was found/i, code("PT0[3-9]")],
      "The TLS handshake between client and edge failed: no request was sent on.",
      ["tls_protocol_error", "tls_certificate_error", "client_closed_request"],
      "fly certs check NAME",
    ],
    [
      "could not find a good candidate / no known healthy instances",
      [/could not find a good candidate|no known healthy instances/i, code("PR0[1-5]")],
      "No machine of the application is healthy or has room.",
      ["no_healthy_target", "bulkhead_full"],
      "fly status, and fly checks list for what its checks say",
    ],
    [
      "PU01: Failed HTTP/2 handshake",
      code("PU01"),
      "The machine does not speak HTTP/2 in plain text, which h2_backend asks for.",
      ["http_protocol_error"],
      "Switch h2_backend off, or let the application speak h2c.",
    ],
    [
      "PU03: unreachable worker host",
      [/unreachable worker host/i, code("PU03")],
      "The host of the machine cannot be reached: a fault of the platform.",
      ["destination_ip_unroutable", "no_healthy_target"],
      "Its status page; run machines on more than one host.",
    ],
    [
      'error.message="could not complete HTTP request to instance"',
      [/could not (?:complete|proxy) HTTP request to instance/i, code("PU0[24]")],
      "The machine closed the connection before its answer was complete.",
      ["connection_terminated", "stale_connection", "http_response_incomplete"],
      CRASH,
    ],
  ),
  dialectOfLines("Railway", [
    "Application failed to respond",
    /Application failed to respond/i,
    "Railway's edge got no answer from the service: it does not listen, or has exited.",
    ["connection_refused", "connection_terminated", "http_response_timeout"],
    LISTEN,
    CRASH,
  ]),
  dialectOfLines("Render", [
    "No open ports detected / Port scan timeout reached",
    /No open (?:HTTP )?ports detected|Port scan timeout reached/i,
    "The service opened no port in time: it is not deployed, and the router has no instance.",
    ["connection_refused", "no_healthy_target"],
    LISTEN,
  ]),
  dialectOfLines(
    "Cloud Run",
    [
      "The user-provided container failed to start and listen on the port",
      /container failed to start and listen on the port/i,
      "The revision never listened on PORT: it serves nothing.",
      ["connection_refused", "no_healthy_target"],
      LISTEN,
    ],
    [
      "The request was aborted because there was no available instance",
      /aborted because there was no available instance/i,
      "No instance was free, and none could be started. Answer: 429 or 500.",
      ["bulkhead_full", "no_healthy_target"],
      "Raise max-instances or concurrency, and keep some running with min-instances.",
    ],
    [
      "The request has been terminated because it has reached the maximum request timeout",
      /terminated because it has reached the maximum request timeout/i,
      "No answer within the service's request timeout (300 s by default). Answer: 504.",
      ["http_response_timeout"],
      SLOW,
    ],
  ),
  dialectOfLines(
    "Azure",
    [
      "Application Gateway: backend health is unhealthy",
      [/ApplicationGateway.*unhealthy/i, /ERRORINFO_UPSTREAM_NO_LIVE/],
      "No server of the backend pool passes the gateway's probe. Answer: 502.",
      ["no_healthy_target"],
      "Backend health in the portal says why: status, certificate (CN, root), NSG, host name.",
    ],
    [
      "ERRORINFO_UPSTREAM_CLOSED_CONNECTION",
      /ERRORINFO_UPSTREAM_(?:CLOSED_CONNECTION|RESET)/i,
      "The backend closed the connection without an answer.",
      ["connection_terminated", "stale_connection"],
      "Keep idle connections longer than the gateway, and look for a crash.",
    ],
    [
      "ERRORINFO_UPSTREAM_TIMED_OUT",
      /ERRORINFO_UPSTREAM_(?:TIMED_OUT|RESPONSE_TIMED_OUT)/i,
      "The backend did not answer within the request timeout of the HTTP setting (20 s).",
      ["http_response_timeout"],
      SLOW,
    ],
    [
      "App Service: didn't respond to HTTP pings on port",
      [
        /didn'?t respond to HTTP pings on port/i,
        /Container .* for site .* (?:has exited|did not start within expected time)/i,
      ],
      "The container of the site does not answer on WEBSITES_PORT: the site is not started.",
      ["connection_refused", "no_healthy_target"],
      LISTEN,
      "az webapp log tail shows the container's own log.",
    ],
  ),
  dialectOfLines(
    "cloudflared",
    {
      term: "Unable to reach the origin service",
      match: /Unable to reach the origin service/i,
      meaning:
        "The tunnel is up, but the origin beside cloudflared does not answer. The rest says why.",
      failures: ["connection_refused", "connection_timeout"],
      general: true,
      remedies: [
        "In a container localhost is the container: name the service, such as http://app:3000.",
      ],
    },
    [
      "failed to connect to origintunnel / no recent network activity",
      /Failed to dial a quic|failed to connect to (?:the )?edge|(?:Serve|Register) tunnel error/i,
      "cloudflared has lost its connection to Cloudflare: visitors get 530, error 1033.",
      ["connection_timeout", "no_healthy_target"],
      "Allow outbound port 7844, UDP and TCP; --protocol http2 where UDP is dropped.",
    ],
  ),
  dialectOfLines(
    "Kong",
    [
      "failed to get a peer / failure to get a peer from the ring-balancer",
      /failure to get a peer from the (?:ring-)?balancer|no (?:available )?peers? available/i,
      "No target of the upstream is healthy, or its name has no address. Answer: 503.",
      ["no_healthy_target", "dns_name_not_found"],
      "GET /upstreams/NAME/health of the admin API shows the state of each target.",
    ],
    [
      "An invalid response was received from the upstream server",
      /An invalid response was received from the upstream server/i,
      "Kong's own 502: its error log (nginx's) has the reason.",
      ["connection_refused", "connection_terminated", "http_protocol_error"],
      "Read Kong's error.log at this second; its lines are those of nginx.",
    ],
    [
      "The upstream server is timing out",
      /The upstream server is timing out/i,
      "Kong's own 504: connect_timeout or read_timeout of the service (60 s) expired.",
      ["http_response_timeout", "connection_timeout"],
      SLOW,
    ],
    [
      "no Route matched with those values",
      /no Route matched with those values|404 Route Not Found/i,
      "No route fits host, path and method (Kong, APISIX). Answer: 404.",
      ["destination_not_found"],
      "Hosts, paths, methods and headers of the routes, and strip_path",
    ],
    [
      "No API key found in request / Invalid authentication credentials",
      /No API key found in request|Invalid authentication credentials|No credentials found/i,
      "An authentication plugin rejects the request; the upstream never sees it. Answer: 401.",
      ["request_denied"],
      "The key or token of the consumer, and the field in which the plugin expects it",
    ],
    [
      "API rate limit exceeded",
      /API rate limit exceeded/i,
      "A rate-limiting plugin rejects this consumer. Answer: 429.",
      ["rate_limited"],
      "The limits of the plugin on route, service and consumer",
    ],
    [
      "name resolution failed / dns server error",
      /name resolution failed|dns (?:server|client) error/i,
      "The host of the service has no address for Kong's resolver. Answer: 503.",
      ["dns_name_not_found", "dns_error"],
      "dns_resolver and dns_order of kong.conf, and the name of the service itself",
    ],
  ),
  dialectOfLines(
    "APISIX",
    [
      "no valid upstream node",
      /no valid upstream node|all upstream (?:nodes|servers) (?:tried|are)/i,
      "The upstream has no usable node: none is configured, discovered, or passes its check: 503.",
      ["no_healthy_target", "destination_not_found"],
      "nodes, service_name and discovery_type of the upstream; checks of the control API",
    ],
    [
      "failed to pick server / missing upstream configuration",
      /failed to pick server|missing upstream configuration|failed to (?:set|parse) upstream/i,
      "The route has no upstream that can be used.",
      ["no_healthy_target", "proxy_configuration_error", "dns_name_not_found"],
      "upstream, upstream_id or service_id of the route",
    ],
    [
      "failed to parse domain",
      /failed to parse domain/i,
      "The name of a node has no address.",
      ["dns_name_not_found", "dns_error"],
      "dns_resolver in config.yaml, and the name of the node",
    ],
  ),
  dialectOfLines(
    "Linkerd",
    [
      "HTTP Balancer service in fail-fast",
      /linkerd.*in fail-?fast|(?:Logical|Balancer|Endpoint) service in fail-?fast/i,
      "The proxy has no ready endpoint: it answers 503 or 504 without sending the request.",
      ["no_healthy_target", "connection_refused"],
      "linkerd diagnostics endpoints NAME:PORT, and whether the pods are ready",
    ],
    [
      "l5d-proxy-error: HTTP Logical service in fail-fast",
      /l5d-proxy-error/i,
      "The answer comes from Linkerd's proxy, not from the application.",
      ["no_healthy_target", "connection_refused", "connection_timeout"],
    ],
  ),
  dialectOfLines("OpenShift router", [
    "Application is not available",
    [/Application is not available/, /The application is currently not serving requests/i],
    "The router's HAProxy has no endpoint for this host: no route, or no ready pod.",
    ["no_healthy_target", "destination_not_found"],
    "oc get route, oc get endpoints: the port of the route must be one of the service.",
  ]),
  dialectOfLines(
    "Fastly",
    [
      "503 first byte timeout",
      /\b503 first byte timeout/i,
      "The origin took the request and sent nothing within first_byte_timeout (15 s).",
      ["http_response_timeout"],
      "Find the slow part of the origin, or raise first_byte_timeout of the backend.",
    ],
    [
      "503 between bytes timeout",
      /\b503 between bytes timeout/i,
      "The origin began its answer and fell silent for between_bytes_timeout (10 s).",
      ["connection_read_timeout"],
    ],
    [
      "503 backend read error / write error / No stale object available",
      /\b503 (?:backend (?:read|write) error|No stale object available|Broken pipe)/i,
      "Fastly reached the origin but got no complete answer.",
      ["connection_terminated", "http_response_timeout", "stale_connection"],
      "first_byte_timeout (15 s) and between_bytes_timeout (10 s) of the backend",
    ],
    [
      "503 hostname doesn't match against certificate / unknown CA / SSL handshake error",
      /hostname doesn't match against certificate|\b503 (?:SSL handshake|unknown CA|certificate)/i,
      "The origin's certificate is for another name or not trusted, or TLS failed.",
      ["tls_certificate_error", "tls_protocol_error", "tls_certificate_expired"],
      "Certificate hostname and SNI hostname of the backend must be a name in its certificate.",
    ],
    [
      "503 Backend.max_conn reached",
      /\b503 Backend\.max_conn reached/i,
      "As many connections as max_conn of the backend allows were in use.",
      ["bulkhead_full", "connection_pool_timeout"],
    ],
    [
      "503 All backends failed or unhealthy / Backend is unhealthy",
      /\b503 (?:All backends failed|Backend is unhealthy|Quorum weight not reached)/i,
      "The health check of the origin fails, so that it gets no requests.",
      ["no_healthy_target"],
      "Compare the path, host and expected status of the health check with the origin.",
    ],
    [
      "Fastly error: unknown domain",
      /Fastly error: unknown domain/i,
      "No service of Fastly has this host name.",
      ["destination_not_found"],
      "Add the domain to the service and activate the version.",
    ],
    [
      "503 backend unavailable / Connection timed out",
      /\b503 (?:Backend unavailable|Connection (?:timed out|refused)|Network (?:is )?unreachable)/i,
      "Fastly could not connect to the origin.",
      ["connection_refused", "connection_timeout"],
    ],
  ),
  dialectOfLines("Akamai", [
    "ERR_CONNECT_FAIL / ERR_READ_TIMEOUT / ERR_DNS_FAIL",
    /\bERR_(?:CONNECT_FAIL|CONNECT_TIMEOUT|FIRST_BYTE_TIMEOUT|READ_TIMEOUT|READ_ERROR)\|/,
    "The edge could not connect to the origin, or got no answer in time.",
    ["connection_refused", "connection_timeout", "http_response_timeout"],
  ]),
  dialectOfLines(
    "F5 BIG-IP",
    [
      "pool … member … monitor status down",
      /Pool \S+ member \S+ monitor status (?:down|forced down)/i,
      "The monitor of the pool has marked this member down.",
      ["no_healthy_target"],
      "The receive string of the monitor, and what the member answers to its send string",
    ],
    [
      "No members available for pool",
      /No members available for pool|No (?:available )?pool member|\bNo such pool\b/i,
      "Every member of the pool is down: the client's connection is reset.",
      ["no_healthy_target"],
    ],
  ),
];
