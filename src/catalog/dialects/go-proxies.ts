/**
 * Caddy and Traefik. Both pass on the texts of Go's errors, which languages.ts has; here are their
 * own messages.
 */
import type { Dialect } from "./foreign-term.js";

export const CADDY: Dialect = {
  speaker: "Caddy",
  spoken: "in_lines",
  terms: [
    {
      term: "no upstreams available",
      match: /no upstreams available/i,
      meaning: "All upstreams are unhealthy or full. Answer: 503.",
      failures: ["no_healthy_target", "bulkhead_full"],
    },
    {
      term: "making dial info",
      match: /making dial info|unrecognized upstream|upstream: invalid dial address/i,
      meaning: "An upstream's address cannot be parsed: a placeholder without value, a wrong port.",
      failures: ["proxy_configuration_error"],
    },
    {
      term: "HTTP request failed / unexpected status code (health checker)",
      match:
        /http\.handlers\.reverse_proxy\.health_checker.*(?:failed|unexpected status|no longer)/i,
      meaning: "An active health check failed, so the upstream gets no requests.",
      failures: ["no_healthy_target"],
    },
    {
      term: "aborting with incomplete response: writing",
      match: /aborting with incomplete response.*(?:"writing: |context canceled|REQUEST_CANCEL)/i,
      meaning: "The client left while its answer was written; nothing is wrong with the upstream.",
      failures: ["client_closed_request"],
    },
    {
      term: "aborting with incomplete response",
      match: /aborting with incomplete response/i,
      meaning: "The answer broke off: the upstream closed (reading), or the client left.",
      failures: ["http_response_incomplete", "connection_reset_in_body", "client_closed_request"],
    },
  ],
};

export const TRAEFIK: Dialect = {
  speaker: "Traefik",
  spoken: "in_lines",
  terms: [
    {
      term: "'502 Bad Gateway' caused by: …",
      match: /'502 Bad Gateway' caused by: .*refused/i,
      meaning: "The connection to the service was refused.",
      failures: ["connection_refused"],
      causes: [
        "The port label (loadbalancer.server.port) is not the one on which the container listens.",
        "The application listens on 127.0.0.1 within its container.",
      ],
    },
    {
      term: "'502 Bad Gateway' caused by: … client disconnected",
      match: /caused by: .*client disconnected/i,
      meaning: "The client left while its body was sent to the service.",
      failures: ["client_closed_request", "request_body_timeout"],
    },
    {
      term: "'502 Bad Gateway' caused by: EOF",
      match: /'502 Bad Gateway' caused by: (?:EOF|.*reset|.*broken pipe|unexpected)/i,
      meaning: "The service closed the connection before it answered.",
      failures: ["stale_connection", "connection_terminated"],
      remedies: ["Set keepAliveTimeout of Node above idleConnTimeout of serversTransport (90 s)."],
    },
    {
      term: "'504 Gateway Timeout' caused by: …",
      match: /'504 Gateway Timeout' caused by/i,
      meaning: "The service was unreachable or did not answer in time.",
      failures: ["connection_timeout", "http_response_timeout"],
      causes: ["The container is in another Docker network than Traefik (traefik.docker.network)."],
    },
    {
      term: "'499 Client Closed Request' caused by: context canceled",
      match: /'499 Client Closed Request'/i,
      meaning: "The client left before the answer.",
      failures: ["client_closed_request"],
    },
    {
      term: "no available server",
      match: /no available server/i,
      meaning: "No server of the service is healthy. Answer: 503.",
      failures: ["no_healthy_target"],
    },
    {
      term: "the service … does not exist",
      match: [
        /the (?:service|middleware) \S+ does not exist|unable to find the IP address/i,
        /port is missing/i,
      ],
      meaning: "A router names a service that no provider has, or a container without a port.",
      failures: ["proxy_configuration_error", "destination_not_found"],
    },
    {
      term: "Internal Server Error caused by: … x509 / tls",
      match: /'500 Internal Server Error' caused by: .*(?:x509|tls)/i,
      meaning: "The certificate of the service is not trusted.",
      failures: ["tls_certificate_error"],
      remedies: ["Set serversTransport.rootCAs, or use http to the service."],
    },
  ],
};
