/**
 * `good-gateway/testing`: what it takes to test against upstreams that fail.
 * It re-exports and does nothing else; each file says what it offers.
 */
export type { Clock, Timer } from "../base/clock.js";
export {
  type Answer,
  type AnsweredTransport,
  answeredTransport,
  type RespondOptions,
  type Sent,
} from "./answered-transport.js";
export {
  type CertificatePair,
  type CertificateWanted,
  type TestAuthority,
  type TestCertificates,
  testAuthority,
  testCertificates,
} from "./certificates.js";
export {
  fullBacklog,
  refusingPort,
  type SilentListener,
  silentListener,
  type TestListener,
} from "./listeners.js";
export { ok, type ResponseFields, respond } from "./responses.js";
export {
  accept,
  type Drip,
  type Gate,
  type Payload,
  type ReceivedRequest,
  type Script,
  type Step,
} from "./script.js";
export {
  ScriptError,
  type ScriptedUpstream,
  type ScriptedUpstreamOptions,
  scriptedUpstream,
} from "./scripted-upstream.js";
export { type VirtualClock, type VirtualClockOptions, virtualClock } from "./virtual-clock.js";
