/**
 * The error for invalid options: all problems at once, one per line.
 *
 * Each problem names the option by its path, the value, and the nearest valid one. The error is
 * branded with `Symbol.for`, so it is recognised even when the package is installed twice.
 */
const BRAND = Symbol.for("good-gateway.GatewayOptionsError");

/** Thrown by `createGateway` for invalid options. */
export class GatewayOptionsError extends TypeError {
  override readonly name: string = "GatewayOptionsError";
  /** One sentence per invalid option: path, value, and the nearest valid one. */
  readonly problems: readonly string[];
  readonly [BRAND] = true;

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = Object.freeze([...problems]);
  }
}

/** Whether a value is a `GatewayOptionsError` of this or any other copy of the package. */
export function isGatewayOptionsError(value: unknown): value is GatewayOptionsError {
  return typeof value === "object" && value !== null && BRAND in value;
}
