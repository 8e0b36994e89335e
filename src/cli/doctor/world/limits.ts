/**
 * How long each step of a diagnosis may take, and how much is read. A person waits for it, and
 * nothing of it may hang.
 */
export interface DoctorLimits {
  /** Name resolution. */
  readonly resolveMs: number;
  /** TCP, and TLS after it. */
  readonly connectMs: number;
  /** From the request to the complete head. */
  readonly responseMs: number;
  /** For the rest of the body. */
  readonly bodyMs: number;
  /** How long an idle connection is watched, to see when the server closes it. */
  readonly idleMs: number;
}

/**
 * Those of a usual front (nginx: 60 s) would make a person wait; what does not answer in a tenth of
 * it has a problem that shows. The idle watch is just longer than Node's keep-alive of 5 s.
 */
export const DOCTOR_LIMITS: DoctorLimits = {
  resolveMs: 5_000,
  connectMs: 3_000,
  responseMs: 10_000,
  bodyMs: 10_000,
  idleMs: 6_500,
};

/** Bytes of an answer that are looked at. */
export const BODY_BYTES_MAX = 1024 * 1024;
/** Bytes of the head of an answer, as they came. */
export const HEAD_BYTES_MAX = 256 * 1024;
