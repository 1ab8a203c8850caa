import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { generatePrivateKey, type PublicKey, privateKeyFromSeed, publicKeyOf } from "@cairn/crypto";
import { bytesEqual, concatBytes, fromHex, toHex, utf8 } from "@cairn/kit";
import { encodeDelimited, google, p2p } from "@cairn/types/proto";
import { ManualTime, memoryWorld, settle } from "@cairn/world";
import fc from "fast-check";
import { FrameOpener, FrameSealer } from "./frame-cipher.ts";
import { SecretConnection } from "./secret-connection.ts";
import { deriveSessionKeys } from "./session-keys.ts";
import { split, TestConnection } from "./test-connection.ts";
import { readVectors } from "./test-vector.ts";

interface Side {
	readonly auth_msg_delimited: string;
	readonly eph_priv: string;
	readonly eph_pub: string;
	readonly handshake_wire: string;
	readonly node_pub: string;
	readonly node_seed: string;
	readonly recv_secret: string;
	readonly send_secret: string;
}

interface HandshakeCase {
	readonly a: Side;
	readonly b: Side;
	readonly challenge: string;
	readonly a_writes: readonly { readonly plaintext: string; readonly wire: string }[];
}

const vectors = readVectors<{
	cases: readonly HandshakeCase[];
	low_order_remote_keys: readonly { readonly remote_eph_pub: string }[];
}>("secretconn.json");

interface Observed {
	readonly transport: TestConnection;
	readonly secret: SecretConnection;
	readonly time: ManualTime;
	keys: PublicKey[];
	received: Uint8Array[];
	closes: (Error | undefined)[];
}

function start(nodeSeed: Uint8Array, ephemeral: Uint8Array): Observed {
	const transport = new TestConnection();
	const time = new ManualTime();
	const world = { random: { bytes: () => ephemeral }, timers: time };
	const secret = new SecretConnection(transport, { privateKey: privateKeyFromSeed("ed25519", nodeSeed), world });
	const observed: Observed = { transport, secret, time, keys: [], received: [], closes: [] };
	secret.onOpen = (key) => observed.keys.push(key);
	secret.onData = (bytes) => observed.received.push(bytes);
	secret.onClose = (error) => observed.closes.push(error);
	return observed;
}

function startSide(side: Side): Observed {
	return start(fromHex(side.node_seed), fromHex(side.eph_priv));
}

/** A side that is up to anything: it knows the keys of the session. */
function impostor(): { victim: Observed; wire: Uint8Array; sealer: FrameSealer } {
	const mine = { private: new Uint8Array(32).fill(7), public: new Uint8Array(0) };
	const other = start(new Uint8Array(32).fill(1), mine.private);
	mine.public = other.transport.written.slice(3);
	const victim = start(new Uint8Array(32).fill(2), new Uint8Array(32).fill(8));
	const keys = deriveSessionKeys(mine.private, mine.public, victim.transport.written.slice(3));
	const wire = encodeDelimited(google.BytesValue.encode({ value: mine.public }));
	return { victim, wire, sealer: new FrameSealer(keys.sendKey) };
}

function refusalOf(observed: Observed): unknown {
	assert.equal(observed.closes.length, 1);
	assert.ok(observed.transport.destroyed);
	assert.equal(observed.keys.length, 0);
	const [error] = observed.closes;
	assert.ok(error !== undefined && "code" in error && "blame" in error);
	assert.equal(error.blame, "peer");
	return error.code;
}

describe("secret connection against CometBFT's handshakes", () => {
	for (const [index, handshake] of vectors.cases.entries()) {
		it(`writes the same handshake and frames (case ${index})`, () => {
			for (const [us, them] of [
				[handshake.a, handshake.b],
				[handshake.b, handshake.a],
			] as const) {
				const observed = startSide(us);
				const wire = fromHex(them.handshake_wire);
				assert.equal(observed.secret.hasAnswered, false);
				for (const piece of [wire.subarray(0, 20), wire.subarray(20, 900), wire.subarray(900)]) {
					observed.transport.onData(piece);
				}
				assert.deepEqual(
					observed.keys.map((key) => toHex(key.bytes)),
					[them.node_pub],
				);
				assert.equal(toHex(observed.transport.written), us.handshake_wire);
				assert.deepEqual(observed.closes, []);
			}
		});

		it(`opens what it wrote afterwards and is read by its keys (case ${index})`, () => {
			const b = startSide(handshake.b);
			b.transport.onData(fromHex(handshake.a.handshake_wire));
			const a = startSide(handshake.a);
			a.transport.onData(fromHex(handshake.b.handshake_wire));
			a.transport.writes = [];
			const byGo = new FrameOpener(fromHex(handshake.b.recv_secret), 1n);
			for (const { plaintext, wire } of handshake.a_writes) {
				b.received = [];
				b.transport.onData(fromHex(wire));
				assert.equal(toHex(concatBytes(...b.received)), plaintext);
				a.transport.writes = [];
				a.secret.write(fromHex(plaintext));
				assert.equal(a.transport.written.length, fromHex(wire).length);
				assert.equal(toHex(byGo.open(a.transport.written)), plaintext);
			}
		});
	}

	it("refuses each ephemeral key of low order", () => {
		assert.ok(vectors.low_order_remote_keys.length > 0);
		for (const { remote_eph_pub } of vectors.low_order_remote_keys) {
			const observed = start(new Uint8Array(32).fill(1), new Uint8Array(32).fill(2));
			observed.transport.onData(encodeDelimited(google.BytesValue.encode({ value: fromHex(remote_eph_pub) })));
			assert.equal(refusalOf(observed), "p2p-low-order-key");
			assert.equal(observed.transport.writes.length, 1);
		}
	});
});

describe("secret connection against strangers", () => {
	const node = publicKeyOf(generatePrivateKey("ed25519", new Uint8Array(32).fill(4)));
	const named: p2p.AuthSigMessage["pubKey"] = { sum: { kind: "ed25519", value: node.bytes } };
	const proof = (pubKey: p2p.AuthSigMessage["pubKey"]): Uint8Array =>
		encodeDelimited(p2p.AuthSigMessage.encode({ pubKey, sig: new Uint8Array(64).fill(1) }));

	it("refuses a proof that is not signed by the key it names", () => {
		const { victim, wire, sealer } = impostor();
		victim.transport.onData(wire);
		assert.equal(victim.secret.hasAnswered, true);
		victim.transport.onData(sealer.seal(proof(named)));
		assert.equal(refusalOf(victim), "p2p-bad-handshake");
	});

	it("refuses other key types, none, short keys and an endless proof", () => {
		const keys: p2p.AuthSigMessage["pubKey"][] = [
			{ sum: { kind: "secp256k1", value: new Uint8Array(33).fill(2) } },
			{ sum: null },
			{ sum: { kind: "ed25519", value: new Uint8Array(31) } },
		];
		for (const pubKey of keys) {
			const { victim, wire, sealer } = impostor();
			victim.transport.onData(concatBytes(wire, sealer.seal(proof(pubKey))));
			assert.equal(refusalOf(victim), "p2p-bad-handshake");
		}
		const { victim, wire, sealer } = impostor();
		victim.transport.onData(concatBytes(wire, sealer.seal(Uint8Array.of(0xff, 0xff, 0x03))));
		assert.equal(refusalOf(victim), "p2p-bad-handshake");
	});

	it("refuses ephemeral messages that are too long or hold no key, at once", () => {
		const bad = [
			Uint8Array.of(0xff, 0xff, 0x3f),
			Uint8Array.of(65),
			encodeDelimited(google.BytesValue.encode({ value: new Uint8Array(31).fill(1) })),
			encodeDelimited(google.BytesValue.encode({ value: new Uint8Array(33).fill(1) })),
			Uint8Array.of(0),
			Uint8Array.of(2, 0xff, 0xff),
			utf8("GET / HTTP/1.1\r\nHost: x\r\n\r\n0123456789012345678901234567890123456789012345678901234567890"),
		];
		for (const bytes of bad) {
			const observed = start(new Uint8Array(32).fill(1), new Uint8Array(32).fill(2));
			observed.transport.onData(bytes);
			assert.equal(refusalOf(observed), "p2p-bad-handshake");
		}
	});

	it("never throws and never opens on random bytes", () => {
		fc.assert(
			fc.property(fc.array(fc.uint8Array({ maxLength: 2200 }), { maxLength: 4 }), fc.boolean(), (pieces, afterKey) => {
				const { victim, wire } = impostor();
				if (afterKey) victim.transport.onData(wire);
				for (const piece of pieces) victim.transport.onData(piece);
				return victim.keys.length === 0 && victim.closes.length <= 1;
			}),
		);
	});

	it("gives up when the handshake takes too long", async () => {
		const silent = start(new Uint8Array(32).fill(1), new Uint8Array(32).fill(2));
		await silent.time.advance(19_999);
		assert.deepEqual(silent.closes, []);
		await silent.time.advance(1);
		assert.equal(refusalOf(silent), "p2p-handshake-timeout");
	});

	it("reports an end during the handshake once", () => {
		const observed = start(new Uint8Array(32).fill(1), new Uint8Array(32).fill(2));
		observed.transport.destroy();
		observed.transport.onClose(undefined);
		assert.deepEqual(observed.closes, [undefined]);
		assert.equal(observed.time.nextDue, undefined);
	});
});

describe("two secret connections", () => {
	async function pair(): Promise<{ near: SecretConnection; far: SecretConnection; keys: PublicKey[] }> {
		const near = memoryWorld({ seed: "near", ip: "10.0.0.1" });
		const world = memoryWorld({ seed: "far", ip: "10.0.0.2", time: near.time, net: near.net });
		const keys: PublicKey[] = [];
		const accepted = new Promise<SecretConnection>((resolve) => {
			void world.network.listen("tcp://10.0.0.2:1000", (connection) => {
				const privateKey = generatePrivateKey("ed25519", new Uint8Array(32).fill(5));
				const secret = new SecretConnection(connection, { privateKey, world });
				secret.onOpen = (key) => keys.push(key);
				resolve(secret);
			});
		});
		const privateKey = generatePrivateKey("ed25519", new Uint8Array(32).fill(6));
		const dialled = new SecretConnection(await near.network.dial("tcp://10.0.0.2:1000", 1000), {
			privateKey,
			world: near,
		});
		dialled.onOpen = (key) => keys.push(key);
		const result = { near: dialled, far: await accepted, keys };
		await settle();
		return result;
	}

	it("know each other and carry any writes both ways", async () => {
		const { near, far, keys } = await pair();
		assert.equal(keys.length, 2);
		assert.notDeepEqual(keys[0], keys[1]);
		for (const [from, to] of [
			[near, far],
			[far, near],
		] as const) {
			const received: Uint8Array[] = [];
			to.onData = (bytes) => received.push(bytes);
			const message = Uint8Array.from({ length: 10_000 }, (_, i) => i * 13);
			for (const piece of split(message, [0.01, 0.3, 0.31, 0.9])) from.write(piece);
			await settle();
			assert.ok(bytesEqual(concatBytes(...received), message));
		}
	});

	it("end in order when one ends", async () => {
		const { near, far } = await pair();
		const closes: unknown[] = [];
		far.onClose = (error) => closes.push(error);
		near.end();
		await settle();
		assert.deepEqual(closes, [undefined]);
	});

	it("end when a frame was forged after the handshake", () => {
		const [handshake] = vectors.cases;
		assert.ok(handshake !== undefined);
		const b = startSide(handshake.b);
		b.transport.onData(fromHex(handshake.a.handshake_wire));
		b.transport.onData(new Uint8Array(1044).fill(5));
		assert.equal(b.received.length, 0);
		assert.ok(b.transport.destroyed);
		const [error] = b.closes;
		assert.ok(error !== undefined && "code" in error);
		assert.equal(error.code, "p2p-bad-frame");
	});
});
