/**
 * Messages of fronts that do not start or ignore a route because of their own configuration, and of
 * servers and tunnels that have few terms: IIS's http.sys, Unicorn, Jetty, Undertow, ngrok.
 */
import { type Dialect, dialectOfLines } from "./foreign-term.js";

const NOT_LOADED = "It does not start, or goes on with the configuration that it had before.";
const ITS_LOG = "The application's own log at this second: a crash, a restart, a limit.";

export const STARTUPS: readonly Dialect[] = [
  dialectOfLines(
    "nginx",
    [
      "[emerg] …",
      /nginx: \[emerg\] (?!host not found|bind\(\))|\[emerg\] \d+#\d+: (?!host not found|bind\(\))/,
      `The configuration is not valid. ${NOT_LOADED}`,
      ["proxy_configuration_error", "connection_refused"],
      "nginx -t names the file and line.",
    ],
    [
      "configuration file … test failed",
      /configuration file \S+ test failed/,
      `The configuration is not valid. ${NOT_LOADED}`,
      ["proxy_configuration_error", "connection_refused"],
      "The [emerg] line above it names the file and line.",
    ],
  ),
  dialectOfLines("HAProxy", [
    "[ALERT] config : parsing … / Fatal errors found in configuration",
    /\[ALERT\].*config ?: (?:parsing|\w+ )|Fatal errors found in configuration/,
    `The configuration is not valid. ${NOT_LOADED}`,
    ["proxy_configuration_error", "connection_refused"],
    "haproxy -c -f FILE names the line.",
  ]),
  dialectOfLines(
    "Caddy",
    [
      "listen tcp :443: bind: permission denied",
      /listen \w+ \S+: bind: permission denied/,
      "The program has no right to this port (below 1024), so it does not start.",
      ["connection_refused"],
      "setcap cap_net_bind_service=+ep BINARY, AmbientCapabilities=, or a port above 1023",
    ],
    [
      "loading initial config / adapting config using caddyfile",
      /loading initial config|adapting config using caddyfile|parsing caddyfile/,
      `The configuration is not valid. ${NOT_LOADED}`,
      ["proxy_configuration_error", "connection_refused"],
      "caddy validate names the line.",
    ],
  ),
  dialectOfLines("Traefik", [
    "field not found, node / nonexistent certificate resolver",
    /field not found, node: |nonexistent certificate resolver|EntryPoint doesn't exist/,
    "A label, option or name is not known, so that the router is left out: 404, or no start.",
    ["proxy_configuration_error", "destination_not_found"],
    "The dashboard, or /api/rawdata, lists the routers with their errors.",
  ]),
  dialectOfLines(
    "ingress-nginx",
    [
      "Error obtaining Endpoints for Service",
      /Error obtaining Endpoints? (?:Slices )?for Service|no object matching key "\S+"/,
      "The service that the Ingress names does not exist or has no endpoints: 503.",
      ["no_healthy_target", "proxy_configuration_error"],
      "Name, port and namespace of the service; its selector against the labels of the pods.",
    ],
    [
      "Ignoring ingress because of error while validating ingress class",
      /Ignoring ingress because of|does not contain a valid IngressClass/,
      "The Ingress is of no class that this controller serves, so that its hosts answer 404.",
      ["destination_not_found", "proxy_configuration_error"],
      "ingressClassName: nginx, as kubectl get ingressclass lists it",
    ],
    [
      "local SSL certificate … was not found. Using default certificate",
      /SSL certificate \S+ was not found|Kubernetes Ingress Controller Fake/,
      "The secret is missing or of another type: clients get the fake certificate.",
      ["tls_certificate_error"],
      "The secret must be of type kubernetes.io/tls, in the namespace of the Ingress.",
    ],
  ),
  dialectOfLines(
    "IIS (http.sys)",
    [
      "503 … AppOffline / Disabled / AppShutdown",
      /\b503 \d+ (?:AppOffline|Disabled|AppShutdown|ConnLimit)\b/,
      "The application pool is stopped: its worker failed too often, or it was switched off.",
      ["no_healthy_target", "connection_terminated"],
      "Start the pool; the System event log (WAS) says why it was stopped.",
    ],
    [
      "503 … QueueFull",
      /\bQueueFull\b/,
      "The request queue of the application pool is full (1000 by default).",
      ["bulkhead_full"],
      "Look at what the worker waits for before you raise queueLength.",
    ],
    [
      "Connection_Dropped / Connection_Abandoned_By_ReqQueue",
      /\bConnection_(?:Dropped|Abandoned_By_ReqQueue)\b/,
      "The client left, or the worker of the pool ended while it served the request.",
      ["client_closed_request", "connection_terminated"],
      ITS_LOG,
    ],
  ),
  dialectOfLines("Unicorn", [
    "worker=… PID:… timeout, killing",
    /worker=\d+ PID:\d+ timeout/,
    "A request took longer than timeout (60 s): Unicorn killed the worker.",
    ["connection_terminated", "http_response_timeout"],
    "Find the slow call; then raise timeout, below that of the front.",
  ]),
  dialectOfLines(
    "Jetty and Undertow",
    [
      "TimeoutException: Idle timeout expired",
      /Idle timeout expired/,
      "Nothing was sent on the connection for its idle timeout.",
      ["http_response_timeout", "connection_read_timeout", "client_stalled"],
      "Who was silent: the server (slow), or its client? The stack trace says which side reads.",
    ],
    [
      "EofException / UT005013: An IOException occurred",
      /jetty\.io\.EofException|UT005013|UT005085/,
      "The client or proxy in front left before the answer was written.",
      ["client_closed_request", "connection_terminated_while_sending"],
      "The timeout in front is shorter than the answer takes.",
    ],
  ),
  dialectOfLines(
    "gRPC",
    [
      "First received frame was not SETTINGS / error reading server preface",
      /First received frame was not SETTINGS|error reading server preface|http2: frame too large/,
      "The server answers in HTTP/1 or in plain text where HTTP/2 is expected.",
      ["http_protocol_error", "tls_protocol_error"],
      "The port must speak HTTP/2: h2c in plain, or ALPN h2 with TLS; and the path to it, too.",
    ],
    [
      "received message larger than max",
      /received message larger than max|Received message exceeds the maximum/i,
      "A message is above the limit of its receiver (4 MiB by default).",
      ["http_response_body_size", "request_body_too_large"],
      "Raise the limit for received messages, or send pages.",
    ],
  ),
  dialectOfLines(
    "ngrok",
    [
      "ERR_NGROK_3200 / 3004: endpoint is offline",
      /ERR_NGROK_(?:3200|3204|3208|3004)\b/,
      "No agent is connected for this name.",
      ["no_healthy_target", "destination_not_found"],
      "Start the agent with this domain.",
    ],
    [
      "ERR_NGROK_8012: failed to establish a connection to the upstream",
      /ERR_NGROK_8012\b/,
      "The tunnel is up, but nothing listens where the agent forwards to.",
      ["connection_refused"],
      "Start the application, and compare the port that the agent was given.",
    ],
  ),
  dialectOfLines("S3", [
    "<Code>AccessDenied</Code>",
    /<Code>AccessDenied<\/Code>/,
    "The store of objects denies the request: no permission, or no such key without ListBucket.",
    ["request_denied", "destination_not_found"],
    "The policy of the bucket, and origin access control of the distribution",
  ]),
];
