/**
 * What is thrown for options that cannot be meant: all problems at once, one a line.
 *
 * Each problem names the option by its path, the value, and the nearest right thing. The error is
 * branded with `Symbol.for`, so it is recognised even when the package is installed twice.
 */
const BRAND = Symbol.for("good-gateway.GatewayOptionsError");

/** Thrown by `createGateway` for options that cannot be meant. */
export class GatewayOptionsError extends TypeError {
  override readonly name: string = "GatewayOptionsError";
  /** One sentence for each wrong option: path, value, and the nearest right thing. */
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
