/**
 * The public surface of `good-gateway`.
 *
 * Re-exports and nothing else; it loads no framework.
 */
export type { Admin, AdminHandler, AdminOptions } from "./adapters/admin.js";
export { startAdmin } from "./adapters/admin.js";
export type { HealthHandler, HealthHandlerOptions } from "./adapters/health.js";
export { healthHandler } from "./adapters/health.js";
export type { Blame, FailureCode, FailureRow, Phase, Repeat } from "./catalog/failures.js";
export { FAILURES } from "./catalog/failures.js";
export type { FrontName } from "./catalog/fronts.js";
export type { Priority } from "./catalog/priorities.js";
export type { StatusPolicy } from "./catalog/status-policy.js";
export { statusOf } from "./catalog/status-policy.js";
export type {
  AnswerSource,
  AttemptRecord,
  Call,
  CallOverrides,
  ClientEnd,
  StopReason,
} from "./core/call.js";
export type { Failure } from "./core/failure.js";
export { GatewayError, gatewayErrorOf, isGatewayError } from "./core/failure.js";
export type { Outcome, UpstreamResponse } from "./core/outcome.js";
export type { PolicyDescription, Role } from "./core/pipe.js";
export type { RequestContext } from "./core/request-context.js";
export type { FrontOptions } from "./gateway/behind/front-options.js";
export type { PreparableServer, PreparedServer } from "./gateway/behind/prepare-server.js";
export { prepareServer } from "./gateway/behind/prepare-server.js";
export type {
  AttemptTimings,
  CallAttempt,
  CallClient,
  CallKind,
  CallRecord,
} from "./gateway/call-record.js";
export type { ContinueServer } from "./gateway/continue-on-demand.js";
export { continueOnDemand } from "./gateway/continue-on-demand.js";
export type { Diagnosis } from "./gateway/diagnosis/diagnosis.js";
export type { FailurePattern } from "./gateway/diagnosis/diagnosis-pattern.js";
export type { Finding, Verdict } from "./gateway/diagnosis/diagnosis-report.js";
export { type DnsOptions, dns } from "./gateway/discovery-dns.js";
export type { GatewayEvents } from "./gateway/events.js";
export type { Gateway, GatewaySeams } from "./gateway/gateway.js";
export { createGateway } from "./gateway/gateway.js";
export type { GatewayHealth, ReportOptions } from "./gateway/health/health.js";
export type { CheckFunction } from "./gateway/health/health-check.js";
export type { CheckOptions } from "./gateway/health/health-options.js";
export type {
  CheckReport,
  HealthReport,
  NotReadyReason,
  UpstreamReport,
} from "./gateway/health/health-report.js";
export type { CheckResult, HealthStatus } from "./gateway/health/health-result.js";
export type { Incident } from "./gateway/incident.js";
export type { DrainReport } from "./gateway/lifecycle.js";
export type { AddressOptions } from "./gateway/options/address-options.js";
export type {
  BalanceKeyOption,
  BalanceOptions,
  BalancePolicy,
  StickyOptions,
} from "./gateway/options/balance-options.js";
export type { LimitOptions } from "./gateway/options/limit-options.js";
export type {
  BreakerOptions,
  EjectionOptions,
  GatewayOptions,
  LayerOptions,
  PanicOptions,
  SlowStartOptions,
  UpstreamOptions,
} from "./gateway/options/options.js";
export { GatewayOptionsError, isGatewayOptionsError } from "./gateway/options/options-error.js";
export type {
  AdaptiveLimitOptions,
  BulkheadOptions,
  HedgeOptions,
  ShedOptions,
  ThrottleOptions,
} from "./gateway/options/overload-options.js";
export type {
  ProbeExpectation,
  ProbeOptions,
  ProbeStatus,
} from "./gateway/options/probe-options.js";
export type {
  Admission,
  AskedTarget,
  FailureContext,
  ProxyOptions,
  Refusal,
} from "./gateway/options/proxy-options.js";
export type { RetryOptions } from "./gateway/options/retry-options.js";
export type { RouteOptions } from "./gateway/options/route-options.js";
export type { Discover, DiscoverTools, TargetInput } from "./gateway/options/target-options.js";
export type { TimeoutOptions } from "./gateway/options/timeout-options.js";
export type { OverloadState } from "./gateway/overload.js";
export type { RetryBudgetState } from "./gateway/repeats.js";
export type { ContextInit, RequestContextOptions } from "./gateway/request-context.js";
export { currentContext, runInContext } from "./gateway/request-context.js";
export type { SendRequest, UpstreamBody } from "./gateway/send.js";
export type { ListenFd } from "./gateway/shutdown/managers/listen-fds.js";
export { listenFds } from "./gateway/shutdown/managers/listen-fds.js";
export type { Shutdown } from "./gateway/shutdown/shutdown.js";
export { installShutdown } from "./gateway/shutdown/shutdown.js";
export type {
  FastifyLike,
  ShutdownOptions,
  ShutdownServer,
} from "./gateway/shutdown/shutdown-options.js";
export type {
  ShutdownCounts,
  ShutdownPhase,
  ShutdownReport,
} from "./gateway/shutdown/shutdown-report.js";
export type {
  GatewaySnapshot,
  TargetSnapshot,
  UpstreamSnapshot,
} from "./gateway/snapshot.js";
export type { TargetControl } from "./gateway/target-control.js";
export type { TargetState, Upstream, UpstreamTargets } from "./gateway/upstream-handle.js";
export type { GatewayWarning } from "./gateway/warnings.js";
export type { PriorityRequest, PriorityRule } from "./policies/priority.js";
export type {
  BalanceField,
  BalanceRequest,
  Balancer,
  BalanceTarget,
  Picker,
} from "./targets/balance/balancer.js";
export type { BreakerSnapshot } from "./targets/breaker.js";
export type { IncidentFacts, LostSockets } from "./targets/evidence.js";
export type { RouteSuspect } from "./targets/route-ledger.js";
export type { UpstreamState } from "./targets/upstream-state.js";
export type { AccessFields } from "./telemetry/access-fields.js";
export type { AccessFormat } from "./telemetry/access-formats.js";
export type { AccessLogger, AccessLogOptions } from "./telemetry/access-log.js";
export { accessLog } from "./telemetry/access-log.js";
export type { MetricsHandler, MetricsHandlerOptions } from "./telemetry/metrics-handler.js";
export { metricsHandler } from "./telemetry/metrics-handler.js";
export type { MetricsRegistry } from "./telemetry/register-metrics.js";
export { registerMetrics } from "./telemetry/register-metrics.js";
export type { Diagnostics } from "./wire/proxy-status.js";
