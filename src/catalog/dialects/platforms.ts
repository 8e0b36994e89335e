/**
 * Messages of platforms with a router of their own: Heroku, Vercel, AWS Lambda with API Gateway,
 * and IIS with ARR.
 */
import type { FailureCode } from "../failures.js";
import type { Dialect, ForeignTerm } from "./foreign-term.js";

type Row = readonly [code: string, meaning: string, failures: FailureCode[], remedy?: string];

const HEROKU: readonly Row[] = [
  [
    "H10",
    "The dyno crashed, so nothing answers. Answer: 503.",
    ["connection_refused"],
    "heroku logs --tail shows why it exited; heroku ps whether it runs.",
  ],
  ["H11", "The routing queue of the dyno is full (backlog too deep).", ["bulkhead_full"]],
  [
    "H12",
    "No answer within 30 s. Answer: 503.",
    ["http_response_timeout"],
    "Answer within 30 s, or with 202 and a worker; set timeouts.totalMs below 30 s.",
  ],
  [
    "H13",
    "The dyno closed the connection without an answer.",
    ["connection_terminated", "stale_connection"],
    "server.keepAliveTimeout above the router's 90 s, or a crash: read the log at that second.",
  ],
  ["H14", "No web dyno runs.", ["no_healthy_target"], "heroku ps:scale web=1"],
  [
    "H15",
    "Nothing was sent on the connection for 55 s.",
    ["connection_read_timeout"],
    "Send something at least every 55 s (pings, comments of server-sent events).",
  ],
  ["H16", "The answer redirects to a deleted herokuapp.com.", ["received_server_error"]],
  ["H17", "The answer is not valid HTTP.", ["http_protocol_error"]],
  [
    "H18",
    "The dyno closed the socket while the client still sent or read.",
    ["connection_reset_in_body", "connection_terminated", "stale_connection"],
    "Read an upload to its end before you answer; keep idle connections for more than 90 s.",
  ],
  ["H19", "The dyno did not accept the connection within 5 s.", ["connection_timeout"]],
  [
    "H20",
    "The dyno did not boot within 75 s.",
    ["connection_timeout", "no_healthy_target"],
    "Listen on process.env.PORT first, and load afterwards.",
  ],
  [
    "H21",
    "The dyno refused the connection.",
    ["connection_refused"],
    "Listen on process.env.PORT and on all addresses.",
  ],
  ["H22", "Too many connections at once.", ["connection_pool_timeout", "bulkhead_full"]],
  [
    "H23",
    "The dyno accepted the connection and closed it before it read the request.",
    ["connection_terminated"],
  ],
  [
    "H24",
    "The application was forced to wait beyond its quota of time.",
    ["http_response_timeout"],
  ],
  [
    "H25",
    "The answer violates HTTP restrictions (headers too large).",
    ["http_response_header_section_size"],
  ],
  ["H26", "The request is invalid.", ["bad_request"]],
  ["H27", "The client closed its connection before the answer.", ["client_closed_request"]],
  ["H28", "The client sent nothing for 55 s.", ["client_stalled", "request_body_timeout"]],
  ["H31", "A request was misdirected (wrong Host on a kept connection).", ["bad_request"]],
  ["H80", "Maintenance mode is on.", ["maintenance"], "heroku maintenance:off"],
  ["H81", "The app has no code yet (blank app).", ["no_healthy_target"]],
  ["H82", "The quota of free or eco dyno hours is used up.", ["no_healthy_target"]],
  ["H99", "The platform itself failed.", ["received_gateway_error"], "status.heroku.com"],
  [
    "R10",
    "The process did not bind to $PORT within 60 s after its start, and was killed.",
    ["connection_refused"],
    "listen(process.env.PORT): the port is given, not chosen.",
  ],
  [
    "R12",
    "The process did not end within 30 s of SIGTERM, and was killed.",
    ["connection_terminated"],
    "installShutdown ends in time.",
  ],
  [
    "R14",
    "The memory quota is exceeded, and the process swaps: it becomes slow.",
    ["http_response_timeout"],
  ],
  [
    "R15",
    "The memory quota is vastly exceeded, and the process is killed.",
    ["connection_terminated", "connection_refused"],
  ],
];

function herokuWord([code, meaning, failures, remedy]: Row): ForeignTerm {
  const rest = remedy === undefined ? {} : { remedies: [remedy] };
  return { term: code, match: new RegExp(`^${code}$`, "i"), meaning, failures, ...rest };
}

function herokuLine(row: Row): ForeignTerm {
  return { ...herokuWord(row), match: new RegExp(`\\b(?:code=|[Ee]rror:? )${row[0]}\\b`) };
}

export const HEROKU_WORDS: Dialect = {
  speaker: "Heroku",
  spoken: "as_a_word",
  terms: HEROKU.map(herokuWord),
};

export const HEROKU_LINES: Dialect = {
  speaker: "Heroku router",
  spoken: "in_lines",
  terms: HEROKU.map(herokuLine),
};

export const PLATFORM_TEXTS: Dialect = {
  speaker: "platform",
  spoken: "in_lines",
  terms: [
    {
      term: "Vercel: FUNCTION_INVOCATION_TIMEOUT",
      match: /FUNCTION_INVOCATION_TIMEOUT|EDGE_FUNCTION_INVOCATION_TIMEOUT/,
      meaning: "The function did not answer within its maximum duration. Answer: 504.",
      failures: ["http_response_timeout"],
      remedies: ["Raise maxDuration, and give calls to other services a shorter timeout."],
    },
    {
      term: "Vercel: FUNCTION_INVOCATION_FAILED",
      match: /(?:EDGE_)?FUNCTION_INVOCATION_FAILED/,
      meaning: "The function threw or exited. Answer: 500.",
      failures: ["received_server_error", "connection_terminated"],
    },
    {
      term: "Vercel: ROUTER_EXTERNAL_TARGET_ERROR / ROUTER_EXTERNAL_TARGET_CONNECTION_ERROR",
      match: /ROUTER_EXTERNAL_TARGET_(?!HANDSHAKE)\w+|ROUTER_CANNOT_MATCH\w*/,
      meaning: "A rewrite leads to a server that does not answer, or to a name without an address.",
      failures: ["connection_refused", "dns_name_not_found", "http_response_timeout"],
    },
    {
      term: "AWS Lambda: Task timed out after … seconds",
      match: /Task timed out after [\d.]+ seconds|Sandbox\.Timedout/i,
      meaning: "The function reached its timeout; API Gateway and ALB answer 502 or 504.",
      failures: ["http_response_timeout"],
    },
    {
      term: "AWS Lambda: Runtime exited / Runtime.ExitError",
      match: /Runtime exited|Runtime\.ExitError|Runtime\.UnhandledPromiseRejection|signal: killed/i,
      meaning: "The function's process exited while serving: a crash, or its memory was exhausted.",
      failures: ["connection_terminated"],
    },
    {
      term: "API Gateway: Malformed Lambda proxy response",
      match: /Malformed (?:Lambda )?proxy response|LambdaInvalidResponse/i,
      meaning: "The function returned something other than { statusCode, headers, body }: 502.",
      failures: ["http_protocol_error"],
      remedies: ["body must be a string: JSON.stringify it; statusCode a number."],
    },
    {
      term: "API Gateway: Endpoint request timed out",
      match: [
        /Endpoint request timed[ -]out|Integration timeout|INTEGRATION_TIMEOUT/i,
        /Execution failed due to a timeout error/i,
      ],
      meaning: "The integration did not answer within 29 s (30 s for HTTP APIs). Answer: 504.",
      failures: ["http_response_timeout"],
    },
    {
      term: "API Gateway: Invalid permissions on Lambda function",
      match: /Invalid permissions on Lambda function|IntegrationErrorMessage.*not authorized/i,
      meaning: "The function's policy does not allow this API to call it. Answer: 500.",
      failures: ["proxy_configuration_error", "request_denied"],
      remedies: ["aws lambda add-permission, with the ARN of the method as its source"],
    },
    {
      term: "API Gateway: Invalid endpoint address",
      match: /due to configuration error: .*(?:Invalid endpoint address|Host name .* resolve)/i,
      meaning: "The host of the integration is no name that has an address.",
      failures: ["dns_name_not_found", "proxy_configuration_error"],
    },
    {
      term: "API Gateway: PKIX path building failed / General SSLEngine problem",
      match: /due to configuration error: .*(?:SSL|PKIX|certificate)/i,
      meaning: "The certificate of the integration is not trusted, or is for another name.",
      failures: ["tls_certificate_error", "tls_protocol_error"],
      remedies: ["The full chain of a public CA, for the host name in the URI of the integration"],
    },
    {
      term: "API Gateway: Internal server error / Network error communicating with endpoint",
      match: [
        /Execution failed due to|Network error communicating with endpoint/i,
        /INTEGRATION_(?:FAILURE|NETWORK_FAILURE)/i,
      ],
      meaning: "The gateway could not reach or use the integration.",
      failures: ["connection_refused", "connection_timeout", "tls_certificate_error"],
    },
    {
      term: '{"message": "Internal server error"}',
      match: /\{\s*"message":\s*"Internal server error"\s*\}/,
      meaning: "API Gateway's own text: the integration failed, or its answer is malformed.",
      failures: ["http_protocol_error", "received_server_error"],
      remedies: ["Its execution log, with $context.integrationErrorMessage, has the reason."],
    },
    {
      term: '{"message": "Service Unavailable"}',
      match: /\{\s*"message":\s*"Service Unavailable"\s*\}/,
      meaning: "API Gateway (HTTP API) got no answer: a VPC link without targets, or a limit.",
      failures: ["no_healthy_target", "http_response_timeout", "bulkhead_full"],
      remedies: ["Its access log, with $context.integrationErrorMessage, has the reason."],
    },
    {
      term: "ALB error_reason LambdaTimeout / LambdaConnectionTimeout / LambdaThrottling",
      match:
        /Lambda(?:Timeout|Connection\w+|Throttling|Unhandled|Response\w+|AccessDenied|EC2\w+)\b/,
      meaning: "The balancer's log says which step of calling the function failed.",
      failures: ["http_response_timeout", "received_server_error", "rate_limited"],
    },
    {
      term: "ALB error_reason Auth…",
      match: /\bAuth(?:Invalid\w+|Missing\w+|TokenEpRequest\w+|UserinfoEp\w+|JwtVerify\w*)\b/,
      meaning: "The authenticate action of the listener failed; no target got the request.",
      failures: ["proxy_configuration_error", "request_denied"],
    },
    {
      term: "Target.ResponseCodeMismatch / Health checks failed with these codes",
      match: /Target\.(?:ResponseCodeMismatch|FailedHealthChecks)|Health checks failed/i,
      meaning: "The balancer's health check gets another status than it expects.",
      failures: ["no_healthy_target"],
      remedies: ["The path must answer 200 without a redirect, a login or a host check."],
    },
    {
      term: "Target.Timeout",
      match: /Target\.(?:Timeout|ConnectionTimeout)/,
      meaning: "The balancer's health check gets no answer: a security group, a port, a slow path.",
      failures: ["connection_timeout", "http_response_timeout"],
    },
    {
      term: "Target.NotRegistered, Target.DeregistrationInProgress, Elb.InitialHealthChecking …",
      match: /\bTarget\.(?:Not\w+|Deregistration\w+|InvalidState|IpUnusable)|\bElb\.[A-Z]\w+/,
      meaning: "The target gets no requests: it is not registered yet, or is being taken out.",
      failures: ["no_healthy_target", "draining"],
      remedies: ["Register it, and wait for its first good checks; keep it alive while it drains."],
    },
    {
      term: "IIS: 502.3 / ERR_WINHTTP 12002, 0x80072ee2",
      match: [
        /50[24] \d 12002\b|0x80072ee2|WINHTTP(?:_TIMEOUT| 12002)/i,
        /\b(?:2147954402|2147012894)\b/,
      ],
      meaning: "ARR's timeout expired while it waited for the server. Answer: 502.3 or 504.",
      failures: ["http_response_timeout", "connection_timeout"],
      remedies: ["Server proxy settings: Time-out (seconds) of ARR, 120 by default."],
    },
    {
      term: "IIS: 12029, 0x80072efd",
      match: [
        /50[24] \d 12029\b|0x80072efd|WINHTTP(?:_CANNOT_CONNECT| 12029)/i,
        /\b(?:2147954429|2147012867)\b/,
      ],
      meaning: "ARR could not connect to the server.",
      failures: ["connection_refused", "connection_timeout"],
    },
    {
      term: "IIS: 12030, 0x80072efe",
      match: [
        /50[24] \d 12030\b|0x80072ef[ef]|WINHTTP(?:_CONNECTION_ERROR| 12030)/i,
        /\b(?:2147954430|2147012866)\b/,
      ],
      meaning: "The server closed or reset the connection before it answered.",
      failures: ["connection_terminated", "stale_connection"],
    },
    {
      term: "IIS: 12007, 0x80072ee7",
      match: /50[24] \d 12007\b|0x80072ee7|WINHTTP 12007|\b2147954407\b/i,
      meaning: "The host name of the server has no address.",
      failures: ["dns_name_not_found"],
    },
    {
      term: "IIS: 12175, 0x80072f8f",
      match: /50[24] \d 12175\b|0x80072f8f|WINHTTP 12175|_SECURE_FAILURE\b|\b2147954575\b/i,
      meaning: "TLS with the server failed: certificate, name, or protocol version.",
      failures: ["tls_certificate_error", "tls_protocol_error"],
    },
    {
      term: "ASP.NET Core: HTTP Error 500.30, 502.5 (ANCM)",
      match: /HTTP Error 50[02]\.(?:3\d|5)\b|ANCM|Out-Of-Process Startup Failure/i,
      meaning: "The application behind IIS did not start.",
      failures: ["connection_refused", "received_server_error"],
      remedies: ["The event log, or stdoutLogEnabled in web.config, has its first lines."],
    },
    {
      term: "IIS: 503.2, 503.3 (appConcurrentRequestLimit), QueueFull",
      match: /\b503\.[23]\b|appConcurrentRequestLimit|\b503 .*QueueFull/,
      meaning: "More requests at once than IIS or the queue of its application pool takes.",
      failures: ["bulkhead_full", "received_overloaded"],
      remedies: [
        "Find what the requests wait for; then appConcurrentRequestLimit and queueLength.",
      ],
    },
    {
      term: "IIS: 502.3 Bad Gateway, 502.4 no server",
      match: /\b502\.[0-4]\b/,
      meaning: "ARR: 502.3 the forwarder failed (win32 code beside it), 502.4 no server is online.",
      failures: ["connection_refused", "http_response_timeout", "no_healthy_target"],
      remedies: ["sc-win32-status in the log: 12002 timeout, 12029 connect, 12030 cut."],
    },
  ],
};
