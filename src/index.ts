/**
 * The public surface of `good-gateway`.
 *
 * Re-exports and nothing else; it loads no framework.
 */
export type { Admin, AdminHandler, AdminOptions } from "./adapters/admin.js";
export { startAdmin } from "./adapters/admin.js";
export type { ControlHandler, ControlHandlerOptions } from "./adapters/control.js";
export { controlHandler } from "./adapters/control.js";
export type { HealthHandler, HealthHandlerOptions } from "./adapters/health.js";
export { healthHandler } from "./adapters/health.js";
export type { Blame, FailureCode, FailureRow, Phase, Repeat } from "./catalog/failures.js";
export { FAILURES } from "./catalog/failures.js";
export type { FrontName } from "./catalog/fronts.js";
export type { AddressOptions } from "./catalog/options/addresses.js";
export type { StickyOptions } from "./catalog/options/balance.js";
export type { BreakerOptions } from "./catalog/options/breaker.js";
export type { CacheOptions } from "./catalog/options/cache.js";
export type {
  EjectionOptions,
  PanicOptions,
  ProbeExpectation,
  ProbeOptions,
  ProbeStatus,
  SlowStartOptions,
} from "./catalog/options/health.js";
export type { LayerOptions } from "./catalog/options/layers.js";
export type { LimitOptions } from "./catalog/options/limits.js";
export type { MirrorOptions } from "./catalog/options/mirror.js";
export type {
  AdaptiveLimitOptions,
  BulkheadOptions,
  HedgeOptions,
  PaceOptions,
  ShedOptions,
  ThrottleOptions,
} from "./catalog/options/overload.js";
export type { RetryOptions } from "./catalog/options/retry.js";
export type { TimeoutOptions } from "./catalog/options/timeouts.js";
export type {
  UpstreamFor,
  UpstreamFunction,
  UpstreamRuleOptions,
} from "./catalog/options/upstream-for.js";
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
export type {
  Fallback,
  FallbackAnswer,
  FallbackFunction,
  FallbackOn,
  FallbackReason,
  FallbackStep,
} from "./core/fallback.js";
export type { Outcome, UpstreamResponse } from "./core/outcome.js";
export type { PolicyDescription, Role } from "./core/pipe.js";
export type { RequestContext } from "./core/request-context.js";
export type { Diagnosis } from "./diagnosis/diagnosis.js";
export type { FailurePattern } from "./diagnosis/diagnosis-pattern.js";
export type { Finding, Verdict } from "./diagnosis/diagnosis-report.js";
export type { Incident } from "./diagnosis/incident.js";
export type { ContinueServer } from "./doors/continue-on-demand.js";
export { continueOnDemand } from "./doors/continue-on-demand.js";
export type { ContextInit, RequestContextOptions } from "./doors/request-context.js";
export { currentContext, runInContext } from "./doors/request-context.js";
export type { GatewaySeams } from "./gateway/gateway.js";
export { createGateway } from "./gateway/gateway.js";
export type { Gateway } from "./gateway/gateway-handle.js";
export type { OverloadState } from "./gateway/overload.js";
export type { RetryBudgetState } from "./gateway/repeats.js";
export type { RestoreOptions, RestoreReport } from "./gateway/restore.js";
export type { SendRequest, UpstreamBody } from "./gateway/send.js";
export type {
  GatewaySnapshot,
  TargetSnapshot,
  UpstreamSnapshot,
} from "./gateway/snapshot.js";
export type { TargetState, Upstream, UpstreamTargets } from "./gateway/upstream-handle.js";
export type { GatewayHealth, ReportOptions } from "./lifecycle/health/health.js";
export type { CheckFunction } from "./lifecycle/health/health-check.js";
export type { CheckOptions } from "./lifecycle/health/health-options.js";
export type {
  CheckReport,
  HealthReport,
  UpstreamReport,
} from "./lifecycle/health/health-report.js";
export type { CheckResult } from "./lifecycle/health/health-result.js";
export type { DrainReport } from "./lifecycle/lifecycle.js";
export type { GatewayWarning } from "./lifecycle/warnings.js";
export type {
  BalanceKeyOption,
  BalanceOptions,
  BalancePolicy,
} from "./options/balance-options.js";
export type { FrontOptions } from "./options/front-options.js";
export type {
  GatewayOptions,
  UpstreamOptions,
} from "./options/options.js";
export { GatewayOptionsError, isGatewayOptionsError } from "./options/options-error.js";
export type {
  Admission,
  AnswerChange,
  AskedTarget,
  FailureContext,
  ProxyCallOptions,
  ProxyOptions,
  ReceivedAnswer,
  Refusal,
  ResponseHeaders,
  TransformOptions,
} from "./options/proxy-options.js";
export type { RouteOptions } from "./options/route-options.js";
export type { Discover, DiscoverTools, TargetInput } from "./options/target-options.js";
export type { MaintenanceState } from "./policies/maintenance.js";
export type { PriorityRequest, PriorityRule } from "./policies/priority.js";
export type {
  AttemptTimings,
  CallAttempt,
  CallClient,
  CallDetour,
  CallKind,
  CallRecord,
} from "./records/call-record.js";
export type { GatewayEvents, HealthStatus, NotReadyReason } from "./records/events.js";
export type {
  ShutdownCounts,
  ShutdownPhase,
  ShutdownReport,
} from "./records/shutdown-report.js";
export type { PreparableServer, PreparedServer } from "./server/behind/prepare-server.js";
export { prepareServer } from "./server/behind/prepare-server.js";
export type { ListenFd } from "./server/shutdown/managers/listen-fds.js";
export { listenFds } from "./server/shutdown/managers/listen-fds.js";
export type { Shutdown } from "./server/shutdown/shutdown.js";
export { installShutdown } from "./server/shutdown/shutdown.js";
export type {
  FastifyLike,
  ShutdownOptions,
  ShutdownServer,
} from "./server/shutdown/shutdown-options.js";
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
export { type DnsOptions, dns } from "./watching/discovery-dns.js";
export type { TargetControl } from "./watching/target-control.js";
export type { Diagnostics } from "./wire/proxy-status.js";
