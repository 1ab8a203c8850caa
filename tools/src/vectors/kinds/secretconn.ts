import {
	AEAD_NONCE_SIZE,
	AEAD_TAG_SIZE,
	openChaCha20Poly1305,
	type PublicKey,
	privateKeyFromSeed,
	publicKeyOf,
	sign,
	x25519KeyPair,
	x25519SharedSecret,
} from "@cairn/crypto";
import { compareBytes, concatBytes } from "@cairn/kit";
import { deriveSessionKeys, SecretConnection } from "@cairn/network";
import { encodeDelimited, google, p2p } from "@cairn/types/proto";
import { ManualTime } from "@cairn/world";
import { type Checker, fail } from "../checker.ts";
import { hex, same, sameBytes } from "../expectation.ts";
import { RecordedConnection } from "../recorded-connection.ts";

const LENGTH_SIZE = 4;
const FRAME_SIZE = LENGTH_SIZE + 1024;
const SEALED_SIZE = FRAME_SIZE + AEAD_TAG_SIZE;

interface Side {
	readonly node_seed: string;
	readonly node_pub: string;
	readonly eph_priv: string;
	readonly eph_pub: string;
	readonly send_secret: string;
	readonly recv_secret: string;
	readonly challenge_signature: string;
	readonly auth_msg_delimited: string;
	readonly handshake_wire: string;
}

interface HandshakeCase {
	readonly a: Side;
	readonly b: Side;
	readonly a_is_least: boolean;
	readonly lo_eph_pub: string;
	readonly hi_eph_pub: string;
	readonly dh_secret: string;
	readonly challenge: string;
	readonly auth_frame_plaintext_a: string;
	readonly a_writes: readonly { readonly plaintext: string; readonly wire: string }[];
}

interface LowOrderCase {
	readonly remote_eph_pub: string;
	readonly error: string | null;
}

/** Our end of a connection, with ephemeral and node key as given. */
class End {
	readonly transport = new RecordedConnection();
	readonly secret: SecretConnection;
	readonly keys: PublicKey[] = [];
	readonly received: Uint8Array[] = [];
	error: Error | undefined;

	constructor(nodeSeed: Uint8Array, ephemeral: Uint8Array) {
		const world = { random: { bytes: () => ephemeral.slice() }, timers: new ManualTime() };
		this.secret = new SecretConnection(this.transport, { privateKey: privateKeyFromSeed("ed25519", nodeSeed), world });
		this.secret.onOpen = (key) => this.keys.push(key);
		this.secret.onData = (bytes) => this.received.push(bytes.slice());
		this.secret.onClose = (error) => {
			this.error = error;
		};
	}

	static of(side: Side): End {
		return new End(hex(side.node_seed), hex(side.eph_priv));
	}
}

function checkSide(each: HandshakeCase, us: Side, them: Side): void {
	const node = privateKeyFromSeed("ed25519", hex(us.node_seed));
	sameBytes("node_pub", publicKeyOf(node).bytes, us.node_pub);
	const pair = x25519KeyPair(hex(us.eph_priv));
	sameBytes("eph_pub", pair.publicKey, us.eph_pub);
	sameBytes("dh_secret", x25519SharedSecret(pair.privateKey, hex(them.eph_pub)), each.dh_secret);
	const keys = deriveSessionKeys(pair.privateKey, pair.publicKey, hex(them.eph_pub));
	sameBytes("send_secret", keys.sendKey, us.send_secret);
	sameBytes("recv_secret", keys.receiveKey, us.recv_secret);
	sameBytes("challenge", keys.challenge, each.challenge);
	const signature = sign(node, keys.challenge);
	sameBytes("challenge_signature", signature, us.challenge_signature);
	const pubKey: p2p.AuthSigMessage["pubKey"] = { sum: { kind: "ed25519", value: publicKeyOf(node).bytes } };
	const message = encodeDelimited(p2p.AuthSigMessage.encode({ pubKey, sig: signature }));
	sameBytes("auth_msg_delimited", message, us.auth_msg_delimited);
	const end = End.of(us);
	end.transport.onData(hex(them.handshake_wire));
	sameBytes("handshake_wire", end.transport.written(), us.handshake_wire);
	same(
		"proven key",
		end.keys.map(({ bytes }) => bytes),
		[hex(them.node_pub)],
	);
}

/** Plaintext of the sealed frame with this number, its length and padding included. */
function openFrame(key: Uint8Array, counter: number, sealed: Uint8Array): Uint8Array {
	const nonce = new Uint8Array(AEAD_NONCE_SIZE);
	new DataView(nonce.buffer).setBigUint64(4, BigInt(counter), true);
	const frame = new Uint8Array(FRAME_SIZE);
	openChaCha20Poly1305(key, nonce, sealed, frame);
	return frame;
}

/** Data of all frames. The bytes after the data of a frame are whatever Go's buffer held: not looked at. */
function openFrames(key: Uint8Array, first: number, wire: Uint8Array): Uint8Array {
	const parts: Uint8Array[] = [];
	for (let i = 0; i * SEALED_SIZE < wire.length; i++) {
		const frame = openFrame(key, first + i, wire.subarray(i * SEALED_SIZE, (i + 1) * SEALED_SIZE));
		const length = new DataView(frame.buffer).getUint32(0, true);
		parts.push(frame.subarray(LENGTH_SIZE, LENGTH_SIZE + length));
	}
	return concatBytes(...parts);
}

function checkWrites(each: HandshakeCase): void {
	const sender = End.of(each.a);
	sender.transport.onData(hex(each.b.handshake_wire));
	const receiver = End.of(each.b);
	receiver.transport.onData(hex(each.a.handshake_wire));
	const sealedAuth = hex(each.a.handshake_wire).subarray(-SEALED_SIZE);
	const key = hex(each.a.send_secret);
	sameBytes("auth_frame_plaintext_a", openFrame(key, 0, sealedAuth), each.auth_frame_plaintext_a);
	let frames = 1;
	for (const [index, { plaintext, wire }] of each.a_writes.entries()) {
		const before = sender.transport.writes.length;
		sender.secret.write(hex(plaintext));
		const ours = sender.transport.written(before);
		same(`a_writes[${index}] length on the wire`, ours.length, hex(wire).length);
		sameBytes(`a_writes[${index}] opened`, openFrames(key, frames, ours), plaintext);
		const already = receiver.received.length;
		receiver.transport.onData(hex(wire));
		sameBytes(`a_writes[${index}] received`, concatBytes(...receiver.received.slice(already)), plaintext);
		frames += ours.length / SEALED_SIZE;
	}
}

function checkHandshake(each: HandshakeCase): void {
	const aIsLeast = compareBytes(hex(each.a.eph_pub), hex(each.b.eph_pub)) < 0;
	same("a_is_least", aIsLeast, each.a_is_least);
	same("lo_eph_pub", hex(aIsLeast ? each.a.eph_pub : each.b.eph_pub), hex(each.lo_eph_pub));
	same("hi_eph_pub", hex(aIsLeast ? each.b.eph_pub : each.a.eph_pub), hex(each.hi_eph_pub));
	for (const [name, us, them] of [["a", each.a, each.b] as const, ["b", each.b, each.a] as const]) {
		try {
			checkSide(each, us, them);
		} catch (cause) {
			fail(`${name}: ${cause instanceof Error ? cause.message : cause}`);
		}
	}
	checkWrites(each);
}

function checkLowOrder(each: LowOrderCase): void {
	const end = new End(new Uint8Array(32).fill(1), new Uint8Array(32).fill(2));
	end.transport.onData(encodeDelimited(google.BytesValue.encode({ value: hex(each.remote_eph_pub) })));
	same("refused", end.error !== undefined, each.error !== null);
	same("proof sent", end.transport.writes.length > 1, each.error === null);
}

export const checkSecretconn: Checker = async (file, tally) => {
	const content = file.content as {
		readonly cases: readonly HandshakeCase[];
		readonly low_order_remote_keys: readonly LowOrderCase[];
	};
	await tally.checkEach("cases", content.cases, checkHandshake);
	await tally.checkEach("low_order_remote_keys", content.low_order_remote_keys, checkLowOrder);
};
