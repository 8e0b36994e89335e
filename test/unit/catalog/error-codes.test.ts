// Codes of Node, undici, llhttp, OpenSSL, getaddrinfo, c-ares and zlib against the catalog.

import { brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { errors as undiciErrors } from "undici";
import { describe, expect, it } from "vitest";
import {
  CLIENT_CODE_MEANINGS,
  CODE_FAMILIES,
  CODE_MEANINGS,
  CODE_PREFIXES,
  CODE_REFINEMENTS,
  type CodeMeaning,
  meaningOf,
  NAME_MEANINGS,
  UNKNOWN_ERROR,
} from "../../../src/catalog/error-codes.js";
import { FAILURES, isFailureCode } from "../../../src/catalog/failures.js";

const allMeanings: readonly CodeMeaning[] = [
  ...Object.values(CODE_MEANINGS),
  ...CODE_PREFIXES.map(({ meaning }) => meaning),
  ...CODE_REFINEMENTS.map(({ meaning }) => meaning),
  ...Object.values(NAME_MEANINGS),
];

function codeThrownBy(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
  throw new Error("nothing was thrown");
}

describe("meanings of error codes", () => {
  it("name failures of the catalog only, and at least one each", () => {
    const names = [
      UNKNOWN_ERROR,
      ...Object.values(CLIENT_CODE_MEANINGS),
      ...allMeanings.flatMap((meaning) => Object.values(meaning)),
    ];
    for (const name of names) expect(isFailureCode(name), name).toBe(true);
    for (const meaning of allMeanings) expect(Object.keys(meaning).length).toBeGreaterThan(0);
  });

  it("list each code once", () => {
    const codes = CODE_FAMILIES.flatMap(([, members]) => members);
    expect(codes.length).toBe(new Set(codes).size);
    expect(Object.keys(CODE_MEANINGS).sort()).toEqual([...codes].sort());
  });

  it("refine only codes that have a general meaning", () => {
    for (const { code } of CODE_REFINEMENTS) expect(CODE_MEANINGS[code], code).toBeDefined();
  });

  it("list no prefix behind a shorter one that would hide it", () => {
    CODE_PREFIXES.forEach(({ prefix }, index) => {
      const hiding = CODE_PREFIXES.slice(0, index).filter(
        (earlier) => earlier.includes === undefined && prefix.startsWith(earlier.prefix),
      );
      expect(hiding, prefix).toEqual([]);
    });
  });

  it("do not find anything of Object.prototype", () => {
    for (const code of ["constructor", "toString", "__proto__", ""]) {
      expect(meaningOf(code), code).toBeUndefined();
    }
  });

  it("never repeat a request safely because of a code that struck inside a body", () => {
    // Codes that prove by themselves that nothing was written keep their name everywhere.
    const proofs = new Set(["resolve", "connect", "secure", "admit"]);
    for (const meaning of allMeanings) {
      if (meaning.body === undefined || meaning.body === meaning.connect) continue;
      expect(FAILURES[meaning.body].repeat, meaning.body).not.toBe("safe");
      expect(proofs.has(FAILURES[meaning.body].phase), meaning.body).toBe(false);
    }
  });
});

describe("a code's meaning depends on how far the exchange had got", () => {
  it.each<[string, string | undefined, string | undefined, string | undefined]>([
    [
      "ECONNRESET",
      "connection_reset_while_connecting",
      "connection_terminated",
      "connection_reset_in_body",
    ],
    ["ECONNREFUSED", "connection_refused", "connection_refused", "connection_refused"],
    [
      "UND_ERR_SOCKET",
      "connection_reset_while_connecting",
      "connection_terminated",
      "http_response_incomplete",
    ],
    [
      "HPE_HEADER_OVERFLOW",
      undefined,
      "http_response_header_section_size",
      "http_response_trailer_section_size",
    ],
    [
      "HPE_INVALID_TRANSFER_ENCODING",
      "http_protocol_error",
      "response_framing_invalid",
      "http_response_transfer_coding",
    ],
    ["HPE_STRICT", "http_protocol_error", "http_protocol_error", "http_response_transfer_coding"],
    [
      "HPE_INVALID_HEADER_TOKEN",
      "http_protocol_error",
      "http_protocol_error",
      "http_protocol_error",
    ],
    ["ETIMEDOUT", "connection_timeout", "connection_read_timeout", "connection_reset_in_body"],
    ["EMFILE", "local_resources_exhausted", "proxy_internal_error", "proxy_internal_error"],
  ])("%s", (code, connect, exchange, body) => {
    const meaning = meaningOf(code);
    expect([meaning?.connect, meaning?.exchange, meaning?.body]).toEqual([connect, exchange, body]);
  });
});

describe("families of codes", () => {
  it.each([
    ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "tls_alert_received"],
    ["ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE", "tls_alert_received"],
    ["ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE", "tls_alert_received"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "tls_protocol_error"],
    ["ERR_SSL_NO_PROTOCOLS_AVAILABLE", "tls_protocol_error"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "tls_certificate_error"],
    ["ERR_TLS_CERT_ALTNAME_FORMAT", "tls_certificate_error"],
    ["ERR_TLS_INVALID_PROTOCOL_VERSION", "proxy_configuration_error"],
    ["ERR_TLS_HANDSHAKE_TIMEOUT", "tls_handshake_timeout"],
    ["ERR_OSSL_X509_KEY_VALUES_MISMATCH", "proxy_configuration_error"],
    ["CERT_HAS_EXPIRED", "tls_certificate_expired"],
    ["CERT_NOT_YET_VALID", "tls_certificate_error"],
    ["CERT_REVOKED", "tls_certificate_error"],
    ["CRL_HAS_EXPIRED", "tls_certificate_error"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "tls_certificate_error"],
    ["UNABLE_TO_GET_CRL", "tls_certificate_error"],
    ["ERROR_IN_CERT_NOT_AFTER_FIELD", "tls_certificate_error"],
    ["ERROR_IN_CRL_NEXT_UPDATE_FIELD", "tls_certificate_error"],
    ["UND_ERR_SOCKS5_AUTH_FAILED", "proxy_configuration_error"],
    ["UND_ERR_SOCKS5_REPLY_5", "connection_refused"],
    ["EAI_SYSTEM", "dns_error"],
  ])("%s while connecting is %s", (code, expected) => {
    expect(meaningOf(code)?.connect).toBe(expected);
  });

  it("cover every parser code of llhttp and milo before the head", () => {
    const names =
      "INTERNAL STRICT CR_EXPECTED LF_EXPECTED UNEXPECTED_CONTENT_LENGTH UNEXPECTED_SPACE " +
      "CLOSED_CONNECTION INVALID_METHOD INVALID_URL INVALID_CONSTANT INVALID_VERSION " +
      "INVALID_HEADER_TOKEN INVALID_CONTENT_LENGTH INVALID_CHUNK_SIZE INVALID_STATUS " +
      "INVALID_EOF_STATE INVALID_TRANSFER_ENCODING CB_MESSAGE_BEGIN CB_HEADERS_COMPLETE " +
      "CB_MESSAGE_COMPLETE CB_CHUNK_HEADER CB_RESET PAUSED PAUSED_UPGRADE PAUSED_H2_UPGRADE " +
      "USER HEADER_OVERFLOW CHUNK_EXTENSIONS_OVERFLOW CALLBACK_ERROR UNEXPECTED_STATE " +
      "UNEXPECTED_DATA UNEXPECTED_EOF UNEXPECTED_CHARACTER UNEXPECTED_TRANSFER_ENCODING " +
      "UNEXPECTED_CONTENT UNEXPECTED_TRAILERS MISSING_CONNECTION_UPGRADE UNSUPPORTED_HTTP_VERSION";
    for (const name of names.split(" ")) {
      const code = meaningOf(`HPE_${name}`)?.exchange;
      expect(code, name).toBeDefined();
      if (code !== undefined) expect(FAILURES[code].status, name).toBe(502);
    }
  });

  it("cover every error class that the installed undici exports", () => {
    // These two take their code as an argument: the parser's, and the SOCKS reply.
    const without = new Set(["HTTPParserError", "Socks5ProxyError"]);
    const classes = Object.entries(undiciErrors).filter(([name]) => !without.has(name));
    expect(classes.length).toBeGreaterThan(15);
    for (const [name, ErrorClass] of classes) {
      const make = ErrorClass as unknown as new (...args: unknown[]) => { code?: unknown };
      const { code } = new make("", 500, {});
      expect(meaningOf(String(code)), `${name} ${code}`).toBeDefined();
    }
  });

  it("know what zlib throws on this version of Node", () => {
    const gzip = gzipSync("x".repeat(100_000));
    const codes = [
      codeThrownBy(() => gunzipSync(Buffer.from("not gzip at all"))),
      codeThrownBy(() => gunzipSync(gzip.subarray(0, 12))),
      codeThrownBy(() => gunzipSync(gzip, { maxOutputLength: 10 })),
      codeThrownBy(() => brotliDecompressSync(Buffer.from("hello world junk"))),
      codeThrownBy(() => brotliDecompressSync(Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2]))),
    ];
    for (const code of codes) {
      expect(meaningOf(code)?.body, code).toBe("http_response_content_coding");
    }
  });
});
