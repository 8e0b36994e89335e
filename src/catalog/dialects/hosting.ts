/**
 * Messages of platforms that host applications: Azure, AWS (ECS, API Gateway), App Engine,
 * Netlify, Railway, Render, DigitalOcean, Heroku's page and IIS's module for ASP.NET Core.
 */
import { type Dialect, dialectOfLines } from "./foreign-term.js";
import { VERCEL } from "./vercel.js";

const LISTEN = "Listen on process.env.PORT and on 0.0.0.0; compare it with the port in settings.";
const START_LOG = "The container's own log has the error with which it ended.";
const LATE = "Answer within the limit, or with 202 and a job; then raise the limit.";
const NAME = "Add the name or the domain to the application, and look whether it is deployed.";

/** Backend health, and error_info of the access log (v2, 2025). */
const APPLICATION_GATEWAY = dialectOfLines(
  "Azure Application Gateway",
  [
    "The Common Name of the leaf certificate … does not match",
    [
      /Common Name of the (?:leaf|server) certificate .*does(?: not|n't) match/i,
      /certificate.*(?:not signed by a well-known|does not match the trusted root)/i,
      /(?:Intermediate|leaf|server) certificate is (?:missing|invalid)|Backend server certificate/i,
    ],
    "The gateway does not accept the certificate of the backend, so the backend is unhealthy: 502.",
    ["tls_certificate_error", "tls_certificate_expired", "no_healthy_target"],
    "The host name of the backend setting must be in the certificate; serve the whole chain.",
    "For a private CA upload its root in the backend setting.",
  ],
  [
    "Time taken by the backend to respond to … health probe is more than the timeout",
    /Time taken by the backend to respond to application gateway/i,
    "The backend does not answer the probe in its time, so it gets no requests.",
    ["no_healthy_target", "http_response_timeout", "connection_timeout"],
    "A network security group on the path, a slow probe path, a wrong port",
  ],
  [
    "could not connect to the backend",
    /Application Gateway could not connect to the (?:backend|server)/i,
    "Nothing answers at the port of the probe.",
    ["connection_refused", "connection_timeout", "no_healthy_target"],
    "The backend must listen at the port, and network security groups must let the gateway in.",
  ],
  [
    "Status code / body of the backend's HTTP response did not match the probe setting",
    /(?:Status code|Body) of the backend's HTTP response did not match/i,
    "The probe gets another answer than it expects, so the backend gets no requests.",
    ["no_healthy_target"],
    "The probe's path, host name and expected status; no redirect or login at that path.",
  ],
  [
    "could not create a probe / the FQDN could not be resolved",
    /could not create a probe for this backend|FQDN of the backend/i,
    "The name of the backend has no address for the gateway.",
    ["dns_name_not_found", "no_healthy_target"],
    "The DNS servers of the virtual network; restart the gateway after you change them.",
  ],
  [
    "Backend pool … has no healthy servers that can handle the request",
    /has no healthy servers that can handle/i,
    "No server of the pool passes the gateway's probe. Answer: 502.",
    ["no_healthy_target"],
    "Backend health in the portal names the failure of each server.",
  ],
  [
    "ERRORINFO_CLIENT_CLOSED_REQUEST / ERRORINFO_CLIENT_TIMED_OUT",
    /ERRORINFO_CLIENT_(?:CLOSED_REQUEST|TIMED_OUT)/,
    "The client left, or sent nothing in time.",
    ["client_closed_request", "request_body_timeout"],
    "The timeout of the client is shorter than the answer takes.",
  ],
  [
    "ERRORINFO_INVALID_… / ERRORINFO_HTTP_…",
    /ERRORINFO_(?:INVALID_\w+|REQUEST_URI_INVALID|HTTP_NO_HOST_HEADER|HTTPS?_\w+)/,
    "The gateway finds the request invalid, or it came without TLS to a TLS port.",
    ["bad_request"],
  ],
);

const APP_SERVICE = dialectOfLines(
  "Azure App Service",
  [
    "500 - The request timed out. The web server failed to respond within the specified time.",
    /web server failed to respond within the specified time/i,
    "The application did not answer within the platform's 230 s.",
    ["http_response_timeout"],
    LATE,
  ],
  [
    "Container … has exited, failing site start / Site startup probe failed",
    [
      /Container \S+ for site \S+ has exited|failing site start/i,
      /Site startup probe failed|ContainerTimeout|Stopping site .* failed during startup/i,
    ],
    "The container ended or did not answer in time: the site is not started.",
    ["connection_refused", "no_healthy_target", "connection_terminated"],
    "WEBSITES_PORT must be the port on which it listens; az webapp log tail shows its log.",
  ],
  [
    "Error 403 - This web app is stopped / Site Disabled",
    /This web app is stopped|Site Disabled/i,
    "The application is stopped, by hand or by its quota.",
    ["maintenance", "no_healthy_target"],
    "az webapp start; the quotas of the plan",
  ],
);

const APP_ENGINE = dialectOfLines(
  "Google App Engine and Cloud Run",
  [
    "Request was aborted after waiting too long to attempt to service your request",
    /aborted after waiting too long to attempt to service your request/i,
    "No instance was free in time: the request was never given to the application.",
    ["bulkhead_queue_timeout", "bulkhead_full", "no_healthy_target"],
    "Raise max_instances or concurrency, keep some warm (min_instances), and look what is slow.",
  ],
  [
    "the HTTP response was malformed or connection to the instance had an error",
    /response was malformed or connection to the instance had an error/i,
    "The instance exited or closed in the middle of a request. Answer: 503.",
    ["connection_terminated", "http_protocol_error", "stale_connection"],
    "The log at this second: a crash, a kill for memory, a kept-alive connection closed early.",
  ],
  [
    "the container instance was found to be using too much memory",
    /container instance was found to be using too much memory|Memory limit of .* exceeded/i,
    "The instance was ended, since it needs more memory than its limit.",
    ["connection_terminated", "http_response_incomplete"],
    "Raise the memory limit, or lower the concurrency; look for a leak.",
  ],
  [
    "Process terminated because the request deadline was exceeded",
    /request deadline was exceeded|DeadlineExceededError/i,
    "The application did not answer within the request deadline.",
    ["http_response_timeout", "deadline_exceeded"],
    LATE,
  ],
  [
    "page: The server encountered a temporary error and could not complete your request",
    /server encountered a temporary error and could not complete your request/i,
    "Google's own 502 page: its balancer reached no backend, or got no valid answer.",
    ["no_healthy_target", "stale_connection", "connection_terminated", "http_response_timeout"],
    "statusDetails in the balancer's log names the reason; backends keep connections 620 s.",
  ],
  [
    "Function execution took … ms, finished with status: 'timeout'",
    /finished with status: '?timeout|Function execution .*\btimed out/,
    "The function did not answer within its timeout.",
    ["http_response_timeout", "deadline_exceeded"],
    "Raise the timeout of the function, or answer earlier and work in a job.",
  ],
  [
    "finished with status: 'crash' / 'error'",
    /finished with status: '?(?:crash|error|connection error)/,
    "The function threw or exited.",
    ["connection_terminated", "received_server_error"],
    "The lines above it have the exception.",
  ],
  [
    "The request was not authenticated (Cloud Run IAM)",
    /request was not (?:authenticated|authorized)\b|lacks? .*run\.routes\.invoke/i,
    "The caller has no identity token, or not the role to invoke the service. Answer: 401, 403.",
    ["request_denied"],
    "roles/run.invoker for the caller, or allUsers for a public service",
  ],
);

const ECS = dialectOfLines(
  "AWS ECS",
  {
    term: "OutOfMemoryError: Container killed due to memory usage",
    match: /OutOfMemoryError: Container killed|"exitCode":\s*137\b/,
    fatal: true,
    meaning: "The container was killed, since it needs more memory than its limit.",
    failures: ["connection_terminated", "connection_refused", "no_healthy_target"],
    remedies: ["Raise memory of the task or container, and compare it with the heap's limit."],
  },
  [
    "(port …) is unhealthy in (target-group …) due to (reason …)",
    [/is unhealthy in \(?target-group/i, /Task failed (?:ELB|container) health checks/i],
    "The health check of the target group or container fails: the task is stopped and replaced.",
    ["no_healthy_target", "connection_timeout", "connection_refused"],
    "Path, port and expected status of the check; security group; healthCheckGracePeriodSeconds.",
  ],
  [
    "CannotPullContainerError / ResourceInitializationError / CannotStartContainerError",
    /CannotPullContainer(?:Error)?|ResourceInitializationError|CannotStartContainerError/,
    "The task does not start: its image, secret or log group cannot be had.",
    ["no_healthy_target", "connection_refused"],
    "The tag of the image, the execution role, and a route to the registry (NAT, VPC endpoints)",
  ],
  [
    "was unable to place a task",
    /was unable to place a task|RESOURCE:(?:MEMORY|CPU|ENI)/,
    "No instance has room for the task.",
    ["no_healthy_target"],
    "Capacity of the cluster, and cpu, memory and ports that the task asks for",
  ],
  [
    "Essential container in task exited",
    /Essential container in task exited/i,
    "The container ended, and its task with it; exitCode and reason say why.",
    ["connection_refused", "connection_terminated", "no_healthy_target"],
    START_LOG,
  ],
  [
    "App Runner: Health check failed on protocol",
    /Health check failed on (?:port|protocol)/i,
    "The platform gets no answer at the port of the service, so that it is not deployed.",
    ["no_healthy_target", "connection_refused"],
    LISTEN,
  ],
);

/** The texts of its gateway responses. */
const API_GATEWAY = dialectOfLines(
  "AWS API Gateway",
  [
    '{"message":"Missing Authentication Token"} / {"message":"Forbidden"}',
    [
      /^\{"message":\s*"(?:Missing Authentication Token|Forbidden|Unauthorized)"\}/i,
      /is not authorized to access this resource/i,
    ],
    "No such route or method (REST APIs say it this way), or no permission to call it.",
    ["destination_not_found", "request_denied"],
    "Path, stage and method as they are deployed; then authorizer, API key and resource policy.",
  ],
  [
    '{"message":"Too Many Requests"} / Limit Exceeded',
    [
      /^\{"message":\s*"(?:Too Many Requests|Limit Exceeded)"\}/,
      /\bTooManyRequestsException\b|Rate Exceeded/,
    ],
    "A throttle of the stage, of a usage plan or of the function's concurrency. Answer: 429.",
    ["rate_limited"],
    "Throttling of stage and usage plan; the reserved concurrency of the function",
  ],
);

const OTHERS = dialectOfLines(
  "hosting platform",
  [
    "Netlify: Inactivity Timeout",
    /^Inactivity Timeout|Too much time has passed without sending any data for document/i,
    "The function or the proxied server sent nothing in the time of the edge (about 30 s).",
    ["http_response_timeout", "connection_read_timeout"],
    LATE,
  ],
  [
    "Netlify: This function has crashed / Function invocation failed",
    [
      /This (?:edge )?function has crashed|Function invocation failed/i,
      /unhandled error in the function code/i,
    ],
    "The function threw or exited.",
    ["received_server_error", "connection_terminated"],
    "The log of the function, by the id of the page, has the error.",
  ],
  [
    "Railway: Application not found",
    /"?message"?:\s*"Application not found"|train has not arrived at the station/i,
    "No running service has this domain: it sleeps, is deleted, or the domain is not attached.",
    ["destination_not_found", "no_healthy_target"],
    NAME,
  ],
  [
    "Render: x-render-routing: no-server",
    /x-render-routing:\s*no-server/i,
    "Render knows no service with this host name.",
    ["destination_not_found"],
    NAME,
  ],
  [
    "Render: x-render-routing: suspend / hibernate",
    /x-render-routing:\s*\S*(?:suspend|hibernat)\S*|This service has been suspended/i,
    "The service is suspended or asleep.",
    ["maintenance", "no_healthy_target"],
    "Resume it in the dashboard.",
  ],
  [
    "Render: x-render-routing: …-error",
    /x-render-routing:\s*\S*error/i,
    "Render's router reached no instance, or the instance gave no answer.",
    ["connection_refused", "connection_terminated", "no_healthy_target"],
    LISTEN,
  ],
  [
    "DigitalOcean App Platform: DeployContainerHealthChecksFailed",
    [
      /DeployContainer(?:HealthChecksFailed|ExitNonZero|NotReady\w*)/,
      /failed health checks after \d+ attempts/i,
    ],
    "The container does not answer its health check, so that it is not deployed.",
    ["no_healthy_target", "connection_refused"],
    LISTEN,
  ],
  [
    "Railway: healthcheck failed",
    /Deployment failed during network process|replicas never became healthy|^Healthcheck failed!/,
    "The health check path gave no 200 in time, so that the deployment is not switched on.",
    ["no_healthy_target", "connection_refused"],
    LISTEN,
  ],
  {
    term: "DigitalOcean App Platform: failed to forward this request to the application",
    match: /App Platform failed to forward this request/i,
    general: true,
    meaning: "Its router reached no instance, or got no answer; the code beside it says which.",
    failures: ["connection_refused", "http_response_timeout", "connection_terminated"],
    remedies: [LISTEN, "The runtime log of the component"],
  },
  [
    "Heroku page: An error occurred in the application and your page could not be served",
    /An error occurred in the application and your page could not be served/i,
    "Heroku's router got no usable answer from a dyno: it crashed, is slow, or none runs.",
    ["connection_refused", "http_response_timeout", "connection_terminated", "no_healthy_target"],
    "heroku logs --tail: the router's line has an H code, which says which.",
  ],
  [
    "Heroku page: There's nothing here, yet / No such app",
    /There's nothing here, yet|\bNo such app\b/i,
    "No application has this host name.",
    ["destination_not_found"],
    NAME,
  ],
  [
    "ANCM: failed to start process … Failed to bind to port",
    /physical root '.*' (?:failed to start process|has exited)|did not listen on the given port/i,
    "IIS's module started the application, which ended or did not listen on the given port.",
    ["connection_refused", "no_healthy_target", "received_server_error"],
    "Run the command line by hand; stdoutLogEnabled in web.config shows its first lines.",
  ],
  [
    "IIS: Service Unavailable, HTTP Error 503. The service is unavailable.",
    /HTTP Error 503\. The service is unavailable/i,
    "http.sys answers, since the application pool is stopped or its queue is full.",
    ["no_healthy_target", "bulkhead_full"],
    "Start the pool; the System event log (WAS) says why it was stopped (crash, identity).",
  ],
);

export const HOSTING: readonly Dialect[] = [
  APPLICATION_GATEWAY,
  APP_SERVICE,
  APP_ENGINE,
  ECS,
  API_GATEWAY,
  VERCEL,
  OTHERS,
];
