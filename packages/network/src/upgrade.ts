import type { PublicKey } from "@cairn/crypto";
import { type Connection, concatBytes, EMPTY_BYTES, type Timer, type World } from "@cairn/kit";
import { FirstMessage } from "./first-message.ts";
import { MAX_NODE_INFO_SIZE } from "./limits.ts";
import {
	checkCompatible,
	decodeNodeInfo,
	encodeNodeInfoDelimited,
	type NodeInfo,
	validateNodeInfo,
} from "./node-info.ts";
import { type NodeKey, nodeIdOf } from "./node-key.ts";
import { refusal } from "./refusal.ts";
import { SecretConnection } from "./secret-connection.ts";

export interface UpgradeOptions {
	readonly nodeKey: NodeKey;
	readonly nodeInfo: NodeInfo;
	readonly handshakeTimeoutMs: number;
	readonly world: Pick<World, "random" | "timers">;
	/** The id that was dialled; undefined for connections that came in. */
	readonly expectedId: string | undefined;
	/** Called with the proven id before we say who we are. Throws to refuse. */
	readonly checkIdentity: (id: string) => void;
}

/** Two nodes that know each other; the connection is paused. */
export interface Upgraded {
	readonly connection: SecretConnection;
	readonly id: string;
	readonly nodeInfo: NodeInfo;
}

/**
 * Turns a plain connection into one between two nodes that know each other: secret connection, then both node infos
 * (p2p/transport.go `upgrade`). Reports the outcome once through `done`.
 */
export class Upgrade {
	readonly remoteAddress: string;
	readonly #options: UpgradeOptions;
	readonly #secret: SecretConnection;
	readonly #message = new FirstMessage(MAX_NODE_INFO_SIZE, "p2p-bad-node-info");
	#done: ((outcome: Upgraded | Error) => void) | undefined;
	#deadline: Timer | undefined;
	#id: string | undefined;
	#early: Uint8Array = EMPTY_BYTES;
	#closed = false;

	constructor(connection: Connection, options: UpgradeOptions, done: (outcome: Upgraded | Error) => void) {
		this.remoteAddress = connection.remoteAddress;
		this.#options = options;
		this.#done = done;
		this.#secret = new SecretConnection(connection, {
			privateKey: options.nodeKey.privateKey,
			world: options.world,
			handshakeTimeoutMs: options.handshakeTimeoutMs,
		});
		this.#secret.onOpen = (key) => this.#attempt(() => this.#introduce(key));
		this.#secret.onData = (bytes) => this.#attempt(() => this.#receive(bytes));
		this.#secret.onClose = (error) => {
			this.#closed = true;
			this.#finish(error ?? refusal("p2p-closed", "the other side ended the connection during the handshake"));
		};
	}

	/** How much the other side has shown: 0 nothing, 1 an ephemeral key, 2 its identity. */
	get progress(): 0 | 1 | 2 {
		if (this.#id !== undefined) return 2;
		return this.#secret.hasAnswered ? 1 : 0;
	}

	/** The other side's id, once it has proven it. */
	get provenId(): string | undefined {
		return this.#id;
	}

	/** True when the connection has ended, be it after the outcome. */
	get isClosed(): boolean {
		return this.#closed;
	}

	/** Gives up, or closes what is not wanted after all. */
	abort(error: Error): void {
		this.#finish(error);
	}

	/** What arrived after the node info; whoever takes the connection over feeds on it first. */
	takeEarlyBytes(): Uint8Array {
		const early = this.#early;
		this.#early = EMPTY_BYTES;
		return early;
	}

	#attempt(step: () => void): void {
		if (this.#done === undefined && this.#closed) return;
		try {
			step();
		} catch (error) {
			this.#finish(error instanceof Error ? error : new Error(String(error)));
		}
	}

	#introduce(key: PublicKey): void {
		const id = nodeIdOf(key);
		const { expectedId, checkIdentity, nodeInfo, handshakeTimeoutMs, world } = this.#options;
		if (expectedId !== undefined && id !== expectedId) {
			throw refusal("p2p-wrong-id", `conn.ID (${id}) dialed ID (${expectedId}) mismatch`, { id, expectedId });
		}
		this.#id = id;
		checkIdentity(id);
		this.#secret.write(encodeNodeInfoDelimited(nodeInfo));
		this.#deadline = world.timers.after(handshakeTimeoutMs, () => {
			this.#finish(refusal("p2p-handshake-timeout", `no node info within ${handshakeTimeoutMs} ms`, { id }));
		});
	}

	#receive(bytes: Uint8Array): void {
		if (this.#done === undefined) {
			this.#early = concatBytes(this.#early, bytes);
			return;
		}
		const taken = this.#message.push(bytes);
		if (taken === undefined || this.#id === undefined) return;
		const theirs = decodeNodeInfo(taken.message);
		validateNodeInfo(theirs);
		if (theirs.id !== this.#id) {
			const text = `conn.ID (${this.#id}) NodeInfo.ID (${theirs.id.slice(0, 80)}) mismatch`;
			throw refusal("p2p-wrong-id", text, { id: this.#id });
		}
		checkCompatible(this.#options.nodeInfo, theirs);
		this.#secret.pause();
		this.#early = taken.rest;
		this.#finish({ connection: this.#secret, id: theirs.id, nodeInfo: theirs });
	}

	#finish(outcome: Upgraded | Error): void {
		const done = this.#done;
		this.#done = undefined;
		this.#deadline?.cancel();
		if (outcome instanceof Error && !this.#closed) {
			this.#closed = true;
			this.#secret.destroy();
		}
		done?.(outcome);
	}
}
