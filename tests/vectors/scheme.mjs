// The primitives of docs/wire-format.md for the second reader: bytes, the one key derivation, AES-256-GCM, contexts,
// ids of keys. On Node's built-in crypto.

import { createDecipheriv, createHash, timingSafeEqual } from "node:crypto";

export const LABEL = "sqlalchemy-envelope/v3/";

export class Failure extends Error {}
export const fail = (name) => {
  throw new Failure(name);
};

export const hex = (text) => (text == null ? null : Buffer.from(text, "hex"));
export const u8 = (n) => Buffer.from([n]);
export const u16 = (n) => Buffer.from([n >> 8, n & 255]);
export const same = (a, b) => a.length === b.length && timingSafeEqual(a, b);

export const kdf = (key, label, info) =>
  createHash("sha512").update(Buffer.from([0, 0, 0, 1])).update(key).update(label, "ascii").update(u8(0)).update(info).digest();

export function gcm(key, nonce, aad, sealed, failure) {
  const cut = sealed.length - 16;
  const cipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 });
  cipher.setAAD(aad);
  cipher.setAuthTag(sealed.subarray(cut));
  const opened = cipher.update(sealed.subarray(0, cut));
  try {
    return Buffer.concat([opened, cipher.final()]);
  } catch {
    return fail(failure);
  }
}

// --- sections 2 and 5
const NAMES = ["column", "key", "row", "table", "tenant"];

export function encode(names, known = NAMES) {
  const chosen = Object.keys(names).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const parts = [u8(chosen.length)];
  for (const name of chosen) {
    const value = name === "row" ? rowOf(names.row) : Buffer.from(names[name]); // UTF-8, or bytes as they are
    if (!known.includes(name) || value.length === 0 || value.length > 65535) fail("context");
    parts.push(u8(name.length), Buffer.from(name, "ascii"), u16(value.length), value);
  }
  return Buffer.concat(parts);
}

function shortest(value) {
  let bits = 8;
  while (BigInt.asIntN(bits, value) !== value) bits += 8;
  return Buffer.from(BigInt.asUintN(bits, value).toString(16).padStart(bits / 4, "0"), "hex");
}

const tagged = {
  integer: (value) => Buffer.concat([u8(4), shortest(BigInt(value))]),
  text: (value) => Buffer.concat([u8(1), Buffer.from(value)]),
  uuid: (value) => Buffer.concat([u8(11), hex(value.replaceAll("-", ""))]),
};

export function rowOf(key) {
  const parts = key.map(([type, value]) => tagged[type](value));
  return Buffer.concat([u8(parts.length), ...parts.flatMap((part) => [u16(part.length), part])]);
}

export const pick = (place, names) => Object.fromEntries(names.filter((name) => name in place).map((name) => [name, place[name]]));
export const contentContext = (place) => encode(pick(place, ["table", "column", "tenant", "row"]));
export const wrapNames = (place) => pick(place, ["table", "key", "tenant"]);

// --- section 4
export const staticId = (key) => kdf(key, LABEL + "key-id", Buffer.alloc(0)).subarray(0, 16);

export function kmsId(arn) {
  const fields = arn.split(":");
  if (fields[5].startsWith("key/mrk-")) fields[3] = "";
  return createHash("sha256").update(LABEL + "kms-key-id").update(u8(0)).update(fields.join(":")).digest().subarray(0, 16);
}
