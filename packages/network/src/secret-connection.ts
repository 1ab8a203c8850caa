import {
	type PrivateKey,
	type PublicKey,
	publicKey,
	publicKeyOf,
	sign,
	verifySignature,
	x25519KeyPair,
} from "@cairn/crypto";
import { CairnError, type Connection, DecodeError, EMPTY_BYTES, invariant, type Timer, type World } from "@cairn/kit";
import { encodeDelimited, google, p2p } from "@cairn/types/proto";
import { FirstMessage } from "./first-message.ts";
import { FrameOpener, FrameSealer } from "./frame-cipher.ts";
import { HANDSHAKE_TIMEOUT, MAX_AUTH_MESSAGE, MAX_EPHEMERAL_MESSAGE } from "./limits.ts";
import { refusal } from "./refusal.ts";
import { deriveSessionKeys, type SessionKeys } from "./session-keys.ts";

const EPHEMERAL_KEY_SIZE = 32;

export interface SecretConnectionOptions {
	/** Our identity; must be ed25519. */
	readonly privateKey: PrivateKey;
	readonly world: Pick<World, "random" | "timers">;
	/** How long the handshake may take; the default is that of config.toml. */
	readonly handshakeTimeoutMs?: number;
}

type Stage = "ephemeral" | "authentication" | "open" | "closed";

const nothing = (): void => {};

/**
 * An authenticated, encrypted connection over a plain one, byte for byte as CometBFT's
 * (p2p/conn/secret_connection.go). The handshake starts with the constructor; set the callbacks right after it.
 * Whoever uses it must compare the key that `onOpen` reports with the identity that was expected.
 *
 * Nothing throws on what the other side sends: `onClose` reports it, with a CairnError of blame "peer".
 */
export class SecretConnection implements Connection {
	/** Called once when the other side has proven its key; data may follow in the same turn. */
	onOpen: (remoteKey: PublicKey) => void = nothing;
	onData: (bytes: Uint8Array) => void = nothing;
	onDrain: () => void = nothing;
	onClose: (error: Error | undefined) => void = nothing;

	readonly #connection: Connection;
	readonly #privateKey: PrivateKey;
	readonly #ephemeral: { readonly privateKey: Uint8Array; readonly publicKey: Uint8Array };
	readonly #deadline: Timer;
	#stage: Stage = "ephemeral";
	#message = new FirstMessage(MAX_EPHEMERAL_MESSAGE, "p2p-bad-handshake");
	#challenge: Uint8Array = EMPTY_BYTES;
	#sealer: FrameSealer | undefined;
	#opener: FrameOpener | undefined;

	constructor(connection: Connection, options: SecretConnectionOptions) {
		invariant(options.privateKey.type === "ed25519", "node keys are ed25519");
		this.#connection = connection;
		this.#privateKey = options.privateKey;
		this.#ephemeral = x25519KeyPair(options.world.random.bytes(EPHEMERAL_KEY_SIZE));
		const timeout = options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT;
		this.#deadline = options.world.timers.after(timeout, () => {
			const stage = this.#stage;
			this.#fail(refusal("p2p-handshake-timeout", `no handshake within ${timeout} ms`, { stage }));
		});
		// First the key: a connection may hand over what has arrived as soon as it is listened to.
		connection.write(encodeDelimited(google.BytesValue.encode({ value: this.#ephemeral.publicKey })));
		connection.onDrain = () => this.onDrain();
		connection.onClose = (error) => this.#closed(error && broken(error));
		connection.onData = (bytes) => this.#receive(bytes);
	}

	get remoteAddress(): string {
		return this.#connection.remoteAddress;
	}

	get localAddress(): string {
		return this.#connection.localAddress;
	}

	/** Sealed bytes that the operating system has not taken yet. */
	get pendingBytes(): number {
		return this.#connection.pendingBytes;
	}

	/** True once the other side has answered with an ephemeral key: it speaks the protocol, if not yet who it is. */
	get hasAnswered(): boolean {
		return this.#stage !== "ephemeral";
	}

	/** Seals and sends, all in one write. Only once it is open. */
	write(bytes: Uint8Array): boolean {
		if (this.#stage === "closed") return false;
		invariant(this.#stage === "open", "nothing is written before the handshake is over");
		return this.#seal(bytes);
	}

	pause(): void {
		this.#connection.pause();
	}

	resume(): void {
		this.#connection.resume();
	}

	end(): void {
		this.#connection.end();
	}

	destroy(): void {
		this.#connection.destroy();
	}

	#seal(bytes: Uint8Array): boolean {
		invariant(this.#sealer !== undefined, "keys are derived before anything is sealed");
		try {
			return this.#connection.write(this.#sealer.seal(bytes));
		} catch (error) {
			this.#fail(error);
			return false;
		}
	}

	#receive(bytes: Uint8Array): void {
		if (this.#stage === "closed") return;
		if (this.#opener !== undefined) {
			this.#receiveSealed(this.#opener, bytes);
			return;
		}
		let rest: Uint8Array | undefined;
		try {
			rest = this.#exchangeKeys(bytes);
		} catch (error) {
			this.#fail(error);
		}
		if (rest !== undefined && rest.length > 0) this.#receive(rest);
	}

	/** Waits for the other side's ephemeral key and answers with our proof. Gives what followed the key. */
	#exchangeKeys(bytes: Uint8Array): Uint8Array | undefined {
		const taken = this.#message.push(bytes);
		if (taken === undefined) return undefined;
		const { value } = google.BytesValue.decode(taken.message);
		if (value.length !== EPHEMERAL_KEY_SIZE) {
			throw refusal("p2p-bad-handshake", `an ephemeral key of ${value.length} bytes`, { length: value.length });
		}
		const keys = deriveSessionKeys(this.#ephemeral.privateKey, this.#ephemeral.publicKey, value);
		this.#ephemeral.privateKey.fill(0);
		this.#authenticate(keys);
		return taken.rest;
	}

	#authenticate(keys: SessionKeys): void {
		this.#stage = "authentication";
		this.#message = new FirstMessage(MAX_AUTH_MESSAGE, "p2p-bad-handshake");
		this.#challenge = keys.challenge;
		this.#sealer = new FrameSealer(keys.sendKey);
		this.#opener = new FrameOpener(keys.receiveKey);
		const message = p2p.AuthSigMessage.encode({
			pubKey: { sum: { kind: "ed25519", value: publicKeyOf(this.#privateKey).bytes } },
			sig: sign(this.#privateKey, keys.challenge),
		});
		this.#seal(encodeDelimited(message));
	}

	#receiveSealed(opener: FrameOpener, bytes: Uint8Array): void {
		let opened: Uint8Array;
		let remoteKey: PublicKey | undefined;
		try {
			opened = opener.open(bytes);
			if (opened.length === 0) return;
			if (this.#stage === "authentication") {
				const taken = this.#message.push(opened);
				if (taken === undefined) return;
				remoteKey = this.#verify(taken.message);
				opened = taken.rest;
			}
		} catch (error) {
			this.#fail(error);
			return;
		}
		if (remoteKey !== undefined) {
			this.#stage = "open";
			this.#deadline.cancel();
			this.onOpen(remoteKey);
		}
		// `onOpen` may have closed the connection.
		if (opened.length > 0 && (this.#stage as Stage) !== "closed") this.onData(opened);
	}

	/** @throws CairnError `p2p-bad-handshake` unless the challenge is signed by the key that is named */
	#verify(bytes: Uint8Array): PublicKey {
		const message = p2p.AuthSigMessage.decode(bytes);
		const { sum } = message.pubKey;
		if (sum === null || sum.kind !== "ed25519") {
			throw refusal("p2p-bad-handshake", `expected an ed25519 node key, got ${sum === null ? "none" : sum.kind}`);
		}
		const key = publicKey("ed25519", sum.value);
		if (!verifySignature(key, this.#challenge, message.sig)) {
			throw refusal("p2p-bad-handshake", "the other side did not prove its node key");
		}
		return key;
	}

	#fail(error: unknown): void {
		if (this.#stage === "closed") return;
		const inHandshake = this.#stage !== "open";
		const reported =
			inHandshake && error instanceof DecodeError
				? refusal("p2p-bad-handshake", error.message, error.details, error)
				: error;
		this.#closed(reported instanceof Error ? reported : new Error(String(reported)));
		this.#connection.destroy();
	}

	#closed(error: Error | undefined): void {
		if (this.#stage === "closed") return;
		this.#stage = "closed";
		this.#deadline.cancel();
		this.onClose(error);
	}
}

/** A connection that breaks is nobody's bug, whatever class of error reports it. */
function broken(error: Error): CairnError {
	return error instanceof CairnError
		? error
		: refusal("p2p-closed", `the connection broke: ${error.message}`, {}, error);
}
