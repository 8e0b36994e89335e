/**
 * Contradictions between the manner in which a front asks and what the application wants: the host
 * name, the path, the scheme, the line of the PROXY protocol, the check of health.
 */
import { fault, said } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { ConfiguredUpstream } from "../config/front-config.js";
import type { Facts } from "../facts/facts.js";

type MannerRule = (upstream: ConfiguredUpstream, facts: Facts) => readonly Finding[];

export function mannerRules(upstream: ConfiguredUpstream, facts: Facts): readonly Finding[] {
  return RULES.flatMap((rule) => rule(upstream, facts));
}

const hostField: MannerRule = ({ where, context }, { endpoint, first, otherHost }) => {
  if (otherHost === null || first?.answer == null) return [];
  return [
    fault({
      cause: "host_field_wrong",
      layer: "config",
      blame: "proxy",
      code: "destination_not_found",
      title:
        `The application does not know the host "${endpoint.authority}" that the front sends: ` +
        `it answers ${first.answer.status}.`,
      evidence: [
        context,
        `Host: ${endpoint.authority} is answered ${first.answer.status}`,
        `Host: ${otherHost.host} is answered ${otherHost.status}`,
      ],
      fix:
        "Send the name that the application is made for (Apache: ProxyPreserveHost On; " +
        "nginx):",
      write: "proxy_set_header Host $host;",
      where,
    }),
  ];
};

const pathLost: MannerRule = ({ where, context }, { endpoint, otherPath }) => {
  if (otherPath === null) return [];
  return [
    fault({
      cause: "path_prefix_lost",
      layer: "config",
      blame: "proxy",
      code: "destination_not_found",
      confidence: "likely",
      title:
        `The front asks for ${endpoint.path} in place of ${otherPath.path}, which the ` +
        "application does not have.",
      evidence: [
        context,
        `GET ${endpoint.path} is answered 404`,
        `GET ${otherPath.path} is answered ${otherPath.status}`,
      ],
      fix:
        "The path behind the address replaces the prefix of the location: leave it out, " +
        "slash included.",
      write: `proxy_pass http://${endpoint.authority};`,
      where,
    }),
  ];
};

const WELL_BELOW = 400;

const redirectToTls: MannerRule = ({ where, context, manner }, { endpoint, first }) => {
  const { status = 0, headers = {} } = first?.answer ?? {};
  const to = String(headers["location"] ?? "");
  if (status < 300 || status >= WELL_BELOW || !to.startsWith("https://")) return [];
  if (manner?.secure !== true || manner.tellsProto === true) return [];
  return [
    fault({
      cause: "redirect_loop",
      layer: "head",
      blame: "proxy",
      code: "loop_detected",
      confidence: "likely",
      title:
        "The application sends clients to https, and the front does not pass on that they " +
        "are there.",
      evidence: [context, `GET ${endpoint.path}: ${status}, Location: ${to}`],
      fix: "Every answer is the same redirect again. Pass on the scheme of the client:",
      write: "proxy_set_header X-Forwarded-Proto $scheme;",
      where,
    }),
  ];
};

const proxyLine: MannerRule = ({ where, context }, { withoutProxyLine, first }) => {
  if (withoutProxyLine === null) return [];
  return [
    fault({
      cause: "proxy_protocol_not_understood",
      layer: "config",
      blame: "proxy",
      code: "http_protocol_error",
      title:
        "The front begins with a line of the PROXY protocol, and the application takes it " +
        "for HTTP.",
      evidence: [
        context,
        `with the line: ${first?.answer?.status ?? first?.code ?? "nothing"}`,
        `without it: ${withoutProxyLine}`,
      ],
      fix: "Take send-proxy away from the server line, or let the application understand it.",
      where,
    }),
  ];
};

/** What the front itself asks, to decide who is alive. */
const healthCheck: MannerRule = ({ context }, { checked }) => {
  if (checked === null) return [];
  const { check, status } = checked;
  if (status !== null && check.expects(status)) return [];
  const named = check.host === null ? ", without Host" : `, Host: ${check.host}`;
  const port = check.port === null ? "" : ` on port ${check.port}`;
  return [
    fault({
      cause: "health_check_fails",
      layer: "health",
      blame: "proxy",
      code: "no_healthy_target",
      title:
        status === null
          ? `The front's own check${port} gets no answer: it takes the server out and answers ` +
            "503."
          : `The front's own check of ${check.path}${port} is answered ${status}: it takes the ` +
            "server out and answers 503.",
      evidence: said(
        context,
        `GET ${check.path} HTTP/1.0${named}`,
        "the application itself answers requests",
      ),
      fix:
        check.host === null
          ? "Ask for a path that is answered 200, and with the name of the site:"
          : "Ask for a path that is answered 200:",
      write: "http-check send meth GET uri /healthz ver HTTP/1.1 hdr Host localhost",
      where: check.where,
    }),
  ];
};

const RULES: readonly MannerRule[] = [hostField, pathLost, redirectToTls, proxyLine, healthCheck];
