// A second reader of the vectors, on Node's built-in crypto, written from docs/wire-format.md alone.
// Run: node tests/vectors/read.mjs. Prints counts; the last line is JSON; exits 1 where anything differs.

import { isUtf8 } from "node:buffer";
import { createHmac } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { Failure, LABEL, contentContext, encode, fail, gcm, hex, kdf, kmsId, pick, rowOf, same, staticId, u16, u8, wrapNames } from "./scheme.mjs";

const MIB_256 = 256 * 1024 * 1024;

// --- section 4
function parseHead(cell) {
  if (cell.length === 0 || cell[0] !== 0xed) fail("magic");
  if (cell.length < 2) fail("length");
  if (cell[1] !== 3) fail("version");
  if (cell.length < 3) fail("length");
  const wrap = cell[2];
  if (![1, 2, 3].includes(wrap)) fail("wrap");
  if (cell.length < 21) fail("length");
  const length = cell.readUInt16BE(19);
  if (wrap === 2 ? length < 1 || length > 4096 : length !== 60) fail("length");
  return { wrap, id: cell.subarray(3, 19), ends: 21 + length };
}

function parseKeyCell(cell) {
  const head = parseHead(cell);
  return cell.length === head.ends ? { ...head, cell, wrapped: cell.subarray(21) } : fail("length");
}

function unwrap({ wrap, id, cell, wrapped }, keys, place) {
  const context = { info: encode(wrapNames(place)), sent: { ...wrapNames(place), "sqlalchemy-envelope": "v3/data-key" } };
  const key = wrap === 3 ? unwrapUnderKek(id, cell, wrapped, keys, place, context) : unwrapByProvider({ wrap, id, cell, wrapped }, keys, context);
  return key.length === 32 ? key : fail("unwrap");
}

function unwrapByProvider({ wrap, id, cell, wrapped }, keys, context) {
  if (wrap === 2) {
    const allowed = (keys.kms ?? []).filter((answer) => same(kmsId(answer.arn), id));
    return allowed.length === 0 ? fail("unknown-key") : decryptByKms(allowed, wrapped, context.sent);
  }
  const held = wrap === 1 && (keys.static ?? []).map(hex).find((key) => same(staticId(key), id));
  return held ? unwrapLocally(held, wrap, cell, wrapped, context) : fail("unknown-key");
}

function unwrapLocally(key, wrap, cell, wrapped, context) {
  const wrapping = kdf(key, LABEL + "wrap", Buffer.concat([u8(wrap), context.info])).subarray(0, 32);
  return gcm(wrapping, wrapped.subarray(0, 12), cell.subarray(0, 21), wrapped.subarray(12), "unwrap");
}

function decryptByKms(answers, blob, context) {
  const sorted = (map) => JSON.stringify(Object.entries(map).sort());
  const found = answers.find((each) => same(hex(each.blob), blob) && sorted(each.encryption_context) === sorted(context));
  return found ? hex(found.data_key) : fail("unwrap");
}

function unwrapUnderKek(id, cell, wrapped, keys, place, context) {
  const kek = (keys.kek ?? []).find((each) => same(hex(each.id), id));
  if (!kek) fail("unknown-key");
  const key = "key" in kek ? hex(kek.key) : openKek(kek, keys);
  if (!("key" in kek) && kek.tenant !== place.tenant) fail("unwrap");
  return unwrapLocally(key, 3, cell, wrapped, context);
}

const kekContext = ({ id, tenant }) => encode({ kek: hex(id), ...(tenant === undefined ? {} : { tenant }) }, ["kek", "tenant"]);

function kekSent({ id, tenant }) {
  const uuid = id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return { "sqlalchemy-envelope": "v3/kek", kek: uuid, ...(tenant === undefined ? {} : { tenant }) };
}

function openKek(kek, keys) {
  const failures = new Set();
  for (const cell of kek.cells.map(hex)) {
    try {
      const key = unwrapByProvider(parseKeyCell(cell), keys, { info: kekContext(kek), sent: kekSent(kek) });
      if (key.length === 32) return key;
      failures.add("unwrap");
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures.add(error.message);
    }
  }
  return fail(failures.size === 1 && failures.has("unknown-key") ? "unknown-key" : "unwrap");
}

// --- section 3
function checkContent(cell, place) {
  if (cell.length === 0 || cell[0] !== 0xec) fail("magic");
  if (cell.length < 2) fail("length");
  if (cell[1] !== 3) fail("version");
  if (cell.length < 3) fail("length");
  if ((cell[2] & 0x0f) !== 1) fail("suite");
  if (cell[2] !== (1 | ("tenant" in place ? 0x10 : 0) | ("row" in place ? 0x20 : 0))) fail("flags");
  if (cell.length < 68 || cell.length > MIB_256 + 68) fail("length");
}

function openContent(dataKey, cell, place) {
  const context = contentContext(place);
  const derived = kdf(dataKey, LABEL + "content", Buffer.concat([cell.subarray(2, 19), context]));
  if (!same(derived.subarray(32), cell.subarray(19, 51))) fail("commitment");
  const aad = Buffer.concat([cell.subarray(0, 19), context]);
  return gcm(derived.subarray(0, 32), Buffer.alloc(12), aad, cell.subarray(51), "tag");
}

// --- section 6
function payloadOf(padded, type) {
  const tagged = unpad(padded);
  return tagged[0] === (type === "text" ? 1 : 2) ? checked(tagged.subarray(1), type) : fail("type");
}

const checked = (payload, type) => (type === "text" && !isUtf8(payload) ? fail("type") : payload);

const TAGS = { text: 1, boolean: 3, integer: 4, decimal: 5, float: 6, date: 7, datetime: 8, time: 9, interval: 10, uuid: 11, json: 12 };
const DAY = 86400000000n;

function integer(payload) {
  if (payload.length === 0) fail("type");
  const value = BigInt.asIntN(8 * payload.length, BigInt("0x" + payload.toString("hex")));
  const shorter = payload.length > 1 && BigInt.asIntN(8 * payload.length - 8, value) === value;
  return shorter ? fail("type") : String(value);
}

function decimal(payload) {
  const text = payload.toString("latin1");
  if (["NaN", "Infinity", "-Infinity"].includes(text)) return text;
  const parts = /^-?(0|[1-9][0-9]*)(?:\.([0-9]+))?$/.exec(text);
  if (!parts || text.endsWith("\n") || /^-0(\.0+)?$/.test(text)) fail("type");
  return parts[1].length > 131072 || (parts[2] ?? "").length > 16383 ? fail("type") : text;
}

function float(payload) {
  if (payload.length !== 8) fail("type");
  const value = payload.readDoubleBE(0);
  if (Number.isNaN(value) && payload.toString("hex") !== "7ff8000000000000") fail("type");
  return Object.is(value, -0) ? "-0" : String(value);
}

const two = (n) => String(n).padStart(2, "0");
const day = (days) => (days < -719162n || days > 2932896n ? fail("type") : new Date(Number(days) * 86400000).toISOString().slice(0, 10));
const modulo = (n, by) => ((n % by) + by) % by;

function clock(micros) {
  const seconds = Number(micros / 1000000n);
  const hms = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((each) => two(Math.floor(each)));
  return `${hms.join(":")}.${String(micros % 1000000n).padStart(6, "0")}`;
}

function offset(payload) {
  if (payload.length === 8) return [0n, ""];
  const seconds = payload.readInt32BE(8);
  if (Math.abs(seconds) >= 86400) fail("type");
  const rest = Math.abs(seconds);
  const parts = [rest / 3600, (rest / 60) % 60, rest % 60].map((each) => two(Math.floor(each)));
  return [BigInt(seconds), (seconds < 0 ? "-" : "+") + (parts[2] === "00" ? parts.slice(0, 2) : parts).join(":")];
}

function datetime(payload) {
  if (![8, 12].includes(payload.length)) fail("type");
  const [seconds, zone] = offset(payload);
  const wall = payload.readBigInt64BE(0) + seconds * 1000000n;
  const rest = modulo(wall, DAY);
  return `${day((wall - rest) / DAY)}T${clock(rest)}${zone}`;
}

function time(payload) {
  if (![8, 12].includes(payload.length)) fail("type");
  const micros = payload.readBigInt64BE(0);
  return micros < 0n || micros >= DAY ? fail("type") : clock(micros) + offset(payload)[1];
}

function interval(payload) {
  if (payload.length !== 12) fail("type");
  const [days, micros] = [payload.readInt32BE(0), payload.readBigInt64BE(4)];
  return Math.abs(days) > 999999999 || micros < 0n || micros >= DAY ? fail("type") : `${days} ${micros}`;
}

function json(payload) {
  if (!isUtf8(payload)) fail("type");
  const text = payload.toString("utf8");
  try {
    JSON.parse(text);
  } catch {
    fail("type");
  }
  return text;
}

const uuid = (payload) =>
  payload.length === 16 ? payload.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-") : fail("type");

const decoders = {
  text: (payload) => (isUtf8(payload) ? payload.toString("utf8") : fail("type")),
  boolean: (payload) => ({ "00": "false", "01": "true" })[payload.toString("hex")] ?? fail("type"),
  integer,
  decimal,
  float,
  date: (payload) => (payload.length === 4 ? day(BigInt(payload.readInt32BE(0))) : fail("type")),
  datetime,
  time,
  interval,
  uuid,
  json,
};

function unpad(tagged) {
  if (!(tagged[0] & 0x40)) return tagged;
  if (tagged.length < 5) fail("type");
  const end = 5 + tagged.readUInt32BE(1);
  if (end > tagged.length || tagged.subarray(end).some((each) => each !== 0)) fail("type");
  return Buffer.concat([u8(tagged[0] ^ 0x40), tagged.subarray(5, end)]);
}

function typed(padded, type) {
  const tagged = unpad(padded);
  return tagged.length && tagged[0] === TAGS[type] ? decoders[type](tagged.subarray(1)) : fail("type");
}

// --- sections 1 and 7
function openCurrent(dek, content, { context: place, keys, type }) {
  if (dek === null && content === null) return null;
  if (dek === null || content === null) fail("lone-cell");
  const keyCell = parseKeyCell(dek);
  checkContent(content, place);
  return payloadOf(openContent(unwrap(keyCell, keys, place), content, place), type);
}

function openPair(pair, vector) {
  if (pair.length && pair[0] === 0xec) fail("lone-cell");
  const { ends } = parseHead(pair);
  if (pair.length < ends) fail("length");
  if (pair.length === ends) fail("lone-cell");
  return openCurrent(pair.subarray(0, ends), pair.subarray(ends), vector);
}

// --- section 8
function openOld(key, sealed) {
  if (sealed.length < 28) fail("length");
  return gcm(key, sealed.subarray(0, 12), Buffer.alloc(0), sealed.subarray(12), "tag");
}

function openV1(content, { keys, type }) {
  if (content.length < 28) fail("length");
  for (const key of (keys.static ?? []).map(hex)) {
    try {
      return checked(openOld(key, content), type);
    } catch (error) {
      if (error.message !== "tag") throw error;
    }
  }
  return fail("tag");
}

function openV2(blob, { keys, type }) {
  if (blob.length && blob[0] === 0xec) fail("lone-cell");
  if (blob[0] !== 2) fail("version");
  if (blob.length < 3) fail("length");
  const length = blob.readUInt16BE(1);
  if (length < 1 || length > 4096 || blob.length < 3 + length) fail("length");
  if (blob.length === 3 + length) fail("lone-cell");
  const sealed = blob.subarray(3 + length);
  if (sealed.length < 28) fail("length");
  const key = decryptByKms(keys.kms ?? [], blob.subarray(3, 3 + length), {});
  if (key.length !== 32) fail("unwrap");
  return checked(openOld(key, sealed), type);
}

function openCells(vector) {
  const dek = hex(vector.dek);
  let content = hex(vector.content);
  if (vector.content_zeros) content = Buffer.concat([content, Buffer.alloc(vector.content_zeros)]);
  if (dek === null && content !== null) {
    if (vector.accept === 1) return openV1(content, vector);
    if (vector.accept === 2) return openV2(content, vector);
  }
  if (vector.accept === 2 && dek?.[0] === 2) return openV2(Buffer.concat([dek, content ?? Buffer.alloc(0)]), vector);
  return openCurrent(dek, content, vector);
}

function joined(vector) {
  const missing = hex(vector.dek) === null || hex(vector.content) === null;
  if (!vector.joined || vector.accept || (missing && vector.failure !== "lone-cell")) return null;
  return Buffer.concat([hex(vector.dek) ?? Buffer.alloc(0), hex(vector.content) ?? Buffer.alloc(0)]);
}

function kekEncoded({ names, encryption_context: expected }) {
  const sent = kekSent({ id: names.kek, tenant: names.tenant });
  const encoded = kekContext({ id: names.kek, tenant: names.tenant });
  return JSON.stringify(Object.entries(sent).sort()) === JSON.stringify(Object.entries(expected).sort()) ? encoded : fail("sent");
}

// --- section 9
const WHITE_SPACE = /^\p{White_Space}+|\p{White_Space}+$/gu;
const points = (text) => [...text];
// Node has no case folding: by way of capitals it comes to the same for all but a few letters, such as the dotless i.
const each = (text, change) => points(text).map(change).join("");
const small = (text) => each(text, (one) => one.toLowerCase());
const fold = (text) => small(each(small(text), (one) => one.toUpperCase()));
const FIXED = {
  casefold: fold,
  trim: (text) => text.replace(WHITE_SPACE, ""),
  nfkc: (text) => text.normalize("NFKC"),
  "email-domain": (text) => text.slice(text.lastIndexOf("@") + 1).replace(/[A-Z]/g, (each) => each.toLowerCase()),
};

function expression(name) {
  if (name in FIXED) return FIXED[name];
  const [, side, digits] = /^(last|first)\(([1-9][0-9]{0,2})\)$/.exec(name) ?? fail("context");
  const n = Number(digits);
  if (n > 255) fail("context");
  return (text) => (side === "last" ? points(text).slice(-n) : points(text).slice(0, n)).join("");
}

function canonical(padded, expressions) {
  const tagged = unpad(padded);
  const payload = tagged.subarray(1);
  const as = (bytes) => Buffer.concat([tagged.subarray(0, 1), bytes]);
  if (tagged[0] === 1) return as(Buffer.from(expressions.reduce((text, apply) => apply(text), payload.toString("utf8"))));
  if (tagged[0] === 5) return as(Buffer.from(payload.toString("latin1").replace(/(\.[0-9]*?)0+$/, "$1").replace(/\.$/, "")));
  if (tagged[0] === 6 && payload.readDoubleBE(0) === 0) return as(Buffer.alloc(8));
  if (tagged[0] === 8 && payload.length === 12) return as(Buffer.concat([payload.subarray(0, 8), Buffer.alloc(4)]));
  return tagged[0] === 12 ? fail("type") : tagged;
}

function indexed({ index, expressions, tenant, bits, key, id, values }) {
  const applied = expressions.map(expression);
  const names = { index, ...(expressions.length ? { expressions: expressions.join(",") } : {}), ...(tenant === undefined ? {} : { tenant }) };
  const subkey = kdf(hex(key), LABEL + "index", encode(names, ["index", "expressions", "tenant"])).subarray(0, 32);
  if (values.includes(null)) return null;
  const parts = values.map((value) => canonical(hex(value), applied)).flatMap((value) => [u16(value.length >> 16), u16(value.length & 0xffff), value]);
  const digest = createHmac("sha256", subkey).update(Buffer.concat([u8(values.length), ...parts])).digest().subarray(0, Math.ceil(bits / 8));
  if (bits % 8) digest[digest.length - 1] &= 0xff << (8 - (bits % 8));
  return Buffer.concat([hex(id).subarray(0, 4), digest]);
}

// --- the vectors
const readers = {
  kdf: (v) => ["derived", kdf(hex(v.key), v.label, hex(v.info))],
  context: (v) => ["encoded", encode(v.names)],
  row: (v) => ["encoded", rowOf(v.key).equals(hex(v.row)) ? contentContext(v.names) : fail("row")],
  "kek-context": (v) => ["encoded", kekEncoded(v)],
  "static-key-id": (v) => ["id", staticId(hex(v.key))],
  "kms-key-id": (v) => ["id", kmsId(v.arn)],
  open: (v) => ["payload", openCells(v)],
  "open-pair": (v) => ["payload", openPair(hex(v.pair), v)],
  plaintext: (v) => ["value", typed(hex(v.tagged), v.type)],
  index: (v) => ["cell", indexed(v)],
};

function outcome(vector, read) {
  try {
    const [name, value] = read(vector);
    return `${name} ${value === null ? null : typeof value === "string" ? value : value.toString("hex")}`;
  } catch (error) {
    if (error instanceof Failure) return `failure ${error.message}`;
    throw error;
  }
}

function expected(vector) {
  const name = ["failure", "payload", "value", "derived", "encoded", "cell", "id"].find((each) => each in vector);
  return `${name} ${vector[name]}`;
}

const here = dirname(fileURLToPath(import.meta.url));
const files = readdirSync(here).filter((name) => name.endsWith(".json")).sort();
const vectors = files.flatMap((name) => JSON.parse(readFileSync(join(here, name), "utf8")).vectors);
const counts = { vectors: 0, opened: 0, failed: 0, also_joined: 0, wrong: 0 };
const byFailure = {};
for (const vector of vectors) {
  const results = [outcome(vector, readers[vector.kind])];
  if (vector.kind === "open" && joined(vector)) {
    counts.also_joined += 1;
    results.push(outcome(vector, (v) => ["payload", openPair(joined(v), v)]));
  }
  counts.vectors += 1;
  counts["failure" in vector ? "failed" : "opened"] += 1;
  if (vector.failure) byFailure[vector.failure] = (byFailure[vector.failure] ?? 0) + 1;
  const wrong = results.filter((result) => result !== expected(vector));
  if (wrong.length) {
    counts.wrong += 1;
    console.log(`${vector.name}: expected ${expected(vector).slice(0, 90)}, got ${wrong.join(" | ").slice(0, 90)}`);
  }
}
for (const [name, count] of Object.entries(byFailure)) console.log(`${name.padEnd(12)} ${count}`);
console.log(JSON.stringify(counts));
process.exit(counts.wrong === 0 && counts.vectors > 0 ? 0 : 1);
