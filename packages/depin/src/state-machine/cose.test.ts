import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { sha256, signP256, verifyP256, verifySignature } from "@cairn/crypto";
import { DecodeError, fromHex, toHex, utf8 } from "@cairn/kit";
import { Decoder } from "cbor-x";
import fc from "fast-check";
import { addressOfSigner, signAccountMessage, signRegistration } from "../device/account.ts";
import { DeviceIdentity } from "../device/identity.ts";
import { CHAIN_ID, fixed, OWNER, PROFILE, testDevice, testSigner } from "../testing/test-chain.ts";
import { CborReader, CborWriter } from "./cbor.ts";
import { decodeSign1, encodeSign1, signedBytesOf } from "./cose.ts";
import { SCHEMES, type SchemeName } from "./device-key.ts";
import { encodeSenml } from "./senml.ts";

/** cose-wg/Examples (public domain): eddsa-examples/eddsa-sig-01, sign1-tests/sign-pass-03. */
test("the Sig_structure is that of the working group's examples, and their signatures hold over it", () => {
	const content = utf8("This is the content.");
	const eddsa = signedBytesOf(fromHex("a201270300"), content);
	assert.equal(toHex(eddsa), "846a5369676e61747572653145a2012703004054546869732069732074686520636f6e74656e742e");
	const edKey = fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
	const edSignature = fromHex(
		"7142fd2ff96d56db85bee905a76ba1d0b7321a95c8c4d3607c5781932b7afb8711497dfa751bf40b58b3bcc32300b1487f3db34085eef013bf08f4a44d6fef0d",
	);
	assert.ok(verifySignature({ type: "ed25519", bytes: edKey }, eddsa, edSignature));
	const es256 = signedBytesOf(fromHex("a10126"), content);
	assert.equal(toHex(es256), "846a5369676e61747572653143a101264054546869732069732074686520636f6e74656e742e");
	// x of the example's key, y odd or even by its last bit.
	const x = "bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff";
	const esSignature = fromHex(
		"8eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36",
	);
	assert.ok(verifyP256(fromHex(`02${x}`), es256, esSignature));
	assert.ok(!verifyP256(fromHex(`03${x}`), es256, esSignature));
});

test("of the two ECDSA signatures of one nonce only that with the lower S is good", () => {
	const scalar = sha256(utf8("p256"));
	const signer = testSigner("p256", "p256");
	const message = utf8("message");
	const signature = signP256(scalar, message);
	const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
	const s = BigInt(`0x${toHex(signature.subarray(32))}`);
	const high = fromHex(toHex(signature.subarray(0, 32)) + (order - s).toString(16).padStart(64, "0"));
	assert.ok(verifyP256(signer.key.bytes, message, signature));
	assert.ok(!verifyP256(signer.key.bytes, message, high));
	assert.ok(!verifyP256(signer.key.bytes, message, signature.subarray(1)));
	assert.ok(!verifyP256(new Uint8Array(33), message, signature));
});

const SCHEME_NAMES: readonly SchemeName[] = SCHEMES.map(({ name }) => name);
const reading = [{ name: "temperature", unit: "Cel", value: fixed("21.5"), time: 1_795_305_600_000_000_000n }];

interface MessageVectors {
	readonly account: string;
	readonly readings: readonly {
		readonly scheme: SchemeName;
		readonly device: string;
		readonly sequence: number;
		readonly previous: string;
		readonly name: string;
		readonly unit: string;
		readonly value: string;
		readonly time_ns: string;
		readonly signed_bytes: string;
		readonly digest: string;
		readonly tx: string;
	}[];
	readonly accounts: readonly { readonly what: string; readonly nonce: number; readonly tx: string }[];
}

/** Whoever signs these must send these bytes: ed25519 is deterministic, and so is ECDSA with RFC 6979. */
test("messages have the bytes that are written down", () => {
	const path = join(import.meta.dirname, "..", "..", "fixtures", "messages.json");
	const vectors = JSON.parse(readFileSync(path, "utf8")) as MessageVectors;
	assert.equal(vectors.readings.length, 6);
	for (const { scheme, device, sequence, previous, name, unit, value, time_ns, ...rest } of vectors.readings) {
		const identity = new DeviceIdentity(testSigner("vector", scheme), CHAIN_ID, { nextSequence: sequence, previous });
		assert.equal(identity.id, device);
		const tx = identity.signReading([{ name, unit, value: fixed(value), time: BigInt(time_ns) }]);
		assert.equal(toHex(tx), rest.tx);
		assert.equal(toHex(decodeSign1(tx).signedBytes), rest.signed_bytes);
		assert.equal(identity.memory.previous, rest.digest);
	}
	const device = testSigner("vector");
	const account = [
		signRegistration(OWNER, device, CHAIN_ID, 0, { alias: "roof", profile: PROFILE }),
		signAccountMessage(OWNER, CHAIN_ID, 1, { kind: "set-status", device: device.key, active: false }),
		signAccountMessage(OWNER, CHAIN_ID, 2, { kind: "set-profile", device: device.key, profile: PROFILE }),
	];
	assert.equal(addressOfSigner(OWNER), vectors.account);
	assert.deepEqual(
		account.map(toHex),
		vectors.accounts.map(({ tx }) => tx),
	);
});

test("an independent CBOR library and OpenSSL agree on what is signed", () => {
	const decoder = new Decoder({ mapsAsObjects: false, tagUint8Array: false });
	for (const scheme of SCHEME_NAMES) {
		const identity = testDevice(`independent ${scheme}`, scheme);
		identity.signReading(reading);
		const tx = identity.signReading(reading);
		const tagged = decoder.decode(tx) as {
			tag: number;
			value: [Uint8Array, Map<number, unknown>, Uint8Array, Uint8Array];
		};
		assert.equal(tagged.tag, 18);
		const [protectedHeader, unprotectedHeader, payload, signature] = tagged.value;
		assert.equal(unprotectedHeader.size, 0);
		const header = decoder.decode(protectedHeader) as Map<number, unknown>;
		assert.deepEqual([...header.keys()], [1, 3, 4, -65_537, -65_538, -65_539]);
		assert.equal(header.get(3), 112);
		assert.equal(header.get(-65_537), "test-chain");
		assert.equal(header.get(-65_538), 2);
		assert.equal(toHex(payload), toHex(encodeSenml(reading)));
		// RFC 9052 §4.4, put together here by hand.
		const parts = [
			"846a5369676e617475726531",
			`58${protectedHeader.length.toString(16)}${toHex(protectedHeader)}`,
			"40",
			`${payload.length < 24 ? (0x40 + payload.length).toString(16) : `58${payload.length.toString(16)}`}${toHex(payload)}`,
		];
		assert.ok(opensslVerifies(scheme, header.get(4) as Uint8Array, fromHex(parts.join("")), signature), scheme);
	}
});

/** SubjectPublicKeyInfo up to the key, per kind. */
const SPKI: Readonly<Record<SchemeName, string>> = {
	ed25519: "302a300506032b6570032100",
	p256: "3039301306072a8648ce3d020106082a8648ce3d030107032200",
	secp256k1: "3036301006072a8648ce3d020106052b8104000a032200",
};

function opensslVerifies(scheme: SchemeName, keyId: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
	const der = Buffer.from(SPKI[scheme] + toHex(keyId.subarray(2)), "hex");
	const key = createPublicKey({ key: der, format: "der", type: "spki" });
	if (scheme === "ed25519") return verify(null, message, key, signature);
	return verify("sha256", message, { key, dsaEncoding: "ieee-p1363" }, signature);
}

test("messages come back as they were signed, each naming the one before it", () => {
	for (const scheme of SCHEME_NAMES) {
		const identity = testDevice("there and back", scheme);
		const first = decodeSign1(identity.signReading(reading));
		const second = decodeSign1(identity.signReading(reading));
		assert.deepEqual([first.sequence, second.sequence], [1, 2]);
		assert.equal(toHex(first.previous ?? new Uint8Array()), "00".repeat(32));
		assert.equal(toHex(second.previous ?? new Uint8Array()), toHex(first.digest));
		assert.equal(second.chainId, "test-chain");
		assert.deepEqual(second.key.id, identity.signer.key.id);
		assert.deepEqual(identity.memory, { nextSequence: 3, previous: toHex(second.digest) });
	}
});

test("what is outside the one form is refused, so that nobody but the signer can vary a message", () => {
	const tx = testDevice("form").signReading(reading);
	const message = decodeSign1(tx);
	const reader = new CborReader(tx);
	reader.tag();
	reader.array(4);
	const header = reader.bytes(200);
	const build = (protectedHeader: Uint8Array, unprotectedPairs = 0): Uint8Array => {
		const writer = new CborWriter().tag(18).array(4).bytes(protectedHeader).map(unprotectedPairs);
		if (unprotectedPairs > 0) writer.int(4).bytes(utf8("11"));
		return writer.bytes(message.payload).bytes(message.signature).finish();
	};
	assert.deepEqual(build(header), tx);
	assert.deepEqual(encodeSign1(header, message.payload, message.signature), tx);
	const hex = toHex(header);
	const broken: readonly (readonly [string, Uint8Array])[] = [
		["unprotected header", build(header, 1)],
		["no tag", tx.subarray(1)],
		["another tag", Uint8Array.of(0xd1, ...tx.subarray(1))],
		["bytes after the end", Uint8Array.of(...tx, 0)],
		["cut short", tx.subarray(0, -1)],
		["one more label", build(fromHex(`${hex.replace(/^a6/, "a7")}190100f6`))],
		["label missing", build(fromHex(hex.replace(/^a6/, "a5")))],
		["algorithm of another kind of key", build(fromHex(hex.replace(/^a60127/, "a60126")))],
		["content type unknown", build(fromHex(hex.replace("031870", "031871")))],
		["long form of a number", build(fromHex(hex.replace("031870", "03190070")))],
		["key of an unknown kind", build(fromHex(hex.replace("5822ed01", "5822ee01")))],
	];
	for (const [what, bytes] of broken) assert.throws(() => decodeSign1(bytes), DecodeError, what);
});

test("a device's memory must be possible", () => {
	for (const memory of [
		{ nextSequence: 0, previous: "00".repeat(32) },
		{ nextSequence: 1.5, previous: "00".repeat(32) },
		{ nextSequence: 1, previous: "00" },
	]) {
		assert.throws(() => new DeviceIdentity(testSigner("memory"), "c", memory), /memory/);
	}
	const identity = testDevice("resumed");
	identity.resume(10);
	assert.equal(identity.memory.nextSequence, 26);
	identity.resume(3, 0);
	assert.equal(identity.memory.nextSequence, 26);
});

test("any bytes decode or are refused with a DecodeError, and what decodes encodes to the same bytes", () => {
	const good = testDevice("mutated").signReading(reading);
	fc.assert(
		fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, byte, cut) => {
			const bytes = good.slice(0, good.length - (cut % 7 === 0 ? cut : 0));
			bytes[at] = byte;
			try {
				const { payload, signature } = decodeSign1(bytes);
				const reader = new CborReader(bytes);
				reader.tag();
				reader.array(4);
				assert.deepEqual(encodeSign1(reader.bytes(200), payload, signature), bytes);
			} catch (cause) {
				assert.ok(cause instanceof DecodeError, String(cause));
			}
		}),
		{ numRuns: 3000 },
	);
});
