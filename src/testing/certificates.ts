/**
 * Certificates for tests of TLS faults, made when they are needed.
 * An authority of the test issues what the test wants: right, expired, for another name. Nothing is
 * stored, so no key can leak and none can run out before the test does.
 * Guarantee: a certificate differs from a valid one in nothing but what was asked for.
 */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { isIP } from "node:net";
import {
  bitString,
  integer,
  midnight,
  objectId,
  octetString,
  sequence,
  setOf,
  tagged,
  taggedBytes,
  utf8String,
  yes,
} from "./der.js";

/** A certificate and its private key as PEM: what `tls.createServer` takes. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate shall say. */
export interface CertificateWanted {
  /** Host names and IPv4 addresses. @default ["localhost", "127.0.0.1"] */
  readonly names?: readonly string[];
  /** First day, YYYY-MM-DD. @default "2020-01-01" */
  readonly from?: string;
  /** Day at whose midnight it ends. @default "2099-01-01" */
  readonly until?: string;
}

/** A new authority, unknown to all clients that are not given `ca`. */
export interface TestAuthority {
  /** Its own certificate as PEM, for those who shall trust it. */
  readonly ca: string;
  issue(wanted?: CertificateWanted): CertificatePair;
}

/** One of each kind, all for localhost and 127.0.0.1 but the one with the wrong name. */
export interface TestCertificates {
  readonly ca: string;
  readonly valid: CertificatePair;
  readonly expired: CertificatePair;
  readonly notYetValid: CertificatePair;
  readonly wrongName: CertificatePair;
  /** Signed by itself, so that no authority vouches for it. */
  readonly selfSigned: CertificatePair;
}

interface Signer {
  readonly name: string;
  readonly key: KeyObject;
}

interface Contents extends Required<CertificateWanted> {
  readonly subject: string;
  readonly authority: boolean;
}

const LOCAL_NAMES = ["localhost", "127.0.0.1"] as const;
const VALID = { names: LOCAL_NAMES, from: "2020-01-01", until: "2099-01-01" } as const;

/** Makes an authority. */
export function testAuthority(): TestAuthority {
  const { publicKey, privateKey } = newKeys();
  // A name of its own, so that a client which trusts another authority finds it unknown.
  const name = `good-gateway test authority ${serialOf(publicKey).toString(16)}`;
  const signer = { name, key: privateKey };
  const contents = { ...VALID, names: [], subject: signer.name, authority: true };
  return {
    ca: certificate(contents, publicKey, signer),
    issue(wanted = {}) {
      const keys = newKeys();
      const subject = "good-gateway test upstream";
      const leaf = { ...VALID, ...wanted, subject, authority: false };
      return { cert: certificate(leaf, keys.publicKey, signer), key: pemKey(keys.privateKey) };
    },
  };
}

/** Makes one certificate of each kind. */
export function testCertificates(): TestCertificates {
  const { ca, issue } = testAuthority();
  const own = newKeys();
  const subject = "good-gateway test upstream, signed by itself";
  const contents = { ...VALID, subject, authority: false };
  const cert = certificate(contents, own.publicKey, { name: subject, key: own.privateKey });
  return {
    ca,
    valid: issue(),
    expired: issue({ until: "2021-01-01" }),
    notYetValid: issue({ from: "2098-01-01" }),
    wrongName: issue({ names: ["elsewhere.example"] }),
    selfSigned: { cert, key: pemKey(own.privateKey) },
  };
}

function newKeys(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function pemKey(key: KeyObject): string {
  return String(key.export({ type: "pkcs8", format: "pem" }));
}

// RFC 5280 §4.1: a certificate is what is to be signed, how, and the signature over it.
function certificate(contents: Contents, publicKey: KeyObject, signer: Signer): string {
  const ecdsaWithSha256 = sequence(objectId("1.2.840.10045.4.3.2"));
  const toBeSigned = sequence(
    tagged(0, integer(2)), // version 3
    // Two keys are never alike, so the start of the key numbers its certificate.
    integer(serialOf(publicKey)),
    ecdsaWithSha256,
    distinguishedName(signer.name),
    sequence(midnight(contents.from), midnight(contents.until)),
    distinguishedName(contents.subject),
    publicKey.export({ type: "spki", format: "der" }),
    tagged(3, sequence(...extensions(contents))),
  );
  const signature = bitString(sign("sha256", toBeSigned, signer.key));
  const der = sequence(toBeSigned, ecdsaWithSha256, signature).toString("base64");
  const lines = der.match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

function serialOf(publicKey: KeyObject): number {
  const raw = publicKey.export({ type: "spki", format: "der" });
  return raw.readUInt32BE(raw.length - 4) >>> 1;
}

function distinguishedName(commonName: string): Buffer {
  return sequence(setOf(sequence(objectId("2.5.4.3"), utf8String(commonName))));
}

function extensions({ authority, names }: Contents): readonly Buffer[] {
  // RFC 5280 §4.2.1.9: an authority must state that it is one, and no other certificate may.
  const basicConstraints = authority ? sequence(yes()) : sequence();
  const list = [sequence(objectId("2.5.29.19"), yes(), octetString(basicConstraints))];
  if (names.length > 0) {
    const alternatives = sequence(...names.map(alternativeName));
    list.push(sequence(objectId("2.5.29.17"), octetString(alternatives)));
  }
  return list;
}

// RFC 5280 §4.2.1.6: names are IA5 text under [2], addresses bytes under [7].
function alternativeName(name: string): Buffer {
  if (isIP(name) === 4) return taggedBytes(7, Buffer.from(name.split(".").map(Number)));
  return taggedBytes(2, Buffer.from(name, "latin1"));
}
