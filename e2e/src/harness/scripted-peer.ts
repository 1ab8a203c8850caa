import { privateKeyFromSeed } from "@cairn/crypto";
import {
	CONSENSUS_CHANNELS,
	type ConsensusMessage,
	decodeConsensusMessage,
	encodeConsensusMessage,
} from "@cairn/gossip";
import { messageOf } from "@cairn/kit";
import {
	type ChannelDescriptor,
	type ChannelHandler,
	DEFAULT_SWITCHBOARD_OPTIONS,
	nodeKeyOf,
	type Peer,
	parsePeerAddress,
	Switchboard,
} from "@cairn/network";
import { BLOCK_PROTOCOL, COMETBFT_VERSION, P2P_PROTOCOL } from "@cairn/types";
import { blocksync } from "@cairn/types/proto";
import { realWorld } from "@cairn/world";
import { until } from "./rpc.ts";

const STATE = 0x20;
const DATA = 0x21;
const VOTE = 0x22;
const VOTE_SET_BITS = 0x23;
const BLOCKSYNC = 0x40;

const BLOCKSYNC_CHANNEL: ChannelDescriptor = {
	id: BLOCKSYNC,
	name: "block sync",
	priority: 5,
	sendQueueCapacity: 100,
	sendQueueBytes: 1_000_000,
	receiveMessageCapacity: 104_857_605,
};

const CHANNEL_OF: Readonly<Record<ConsensusMessage["kind"], number>> = {
	newRoundStep: STATE,
	newValidBlock: STATE,
	hasVote: STATE,
	voteSetMaj23: STATE,
	proposal: DATA,
	proposalPol: DATA,
	part: DATA,
	vote: VOTE,
	voteSetBits: VOTE_SET_BITS,
};

interface Waiting {
	readonly check: (message: ConsensusMessage) => boolean;
	readonly found: (message: ConsensusMessage) => void;
}

/** A peer without a node behind it: a test says what it sends, and reads what it receives. Has no blocks to offer. */
export class ScriptedPeer implements ChannelHandler {
	readonly name = "PUPPET";
	readonly channels: readonly ChannelDescriptor[] = [...CONSENSUS_CHANNELS, BLOCKSYNC_CHANNEL];
	/** What came over the connection that is open, or was last. */
	received: ConsensusMessage[] = [];
	/** Called for every message, before whoever waits for it. */
	onMessage: (message: ConsensusMessage) => void = () => undefined;
	readonly #address: string;
	readonly #board: Switchboard;
	#peer: Peer | null = null;
	#waiting: Waiting[] = [];
	#fatal: unknown = null;

	/**
	 * @param address `id@host:port` of the one node that it talks to
	 * @param seed makes its node key
	 * @param block the block protocol that it says it speaks
	 */
	constructor(address: string, chainId: string, seed: number, block: bigint = BLOCK_PROTOCOL) {
		const nodeKey = nodeKeyOf(privateKeyFromSeed("ed25519", new Uint8Array(32).fill(seed)));
		this.#address = address;
		this.#board = new Switchboard(DEFAULT_SWITCHBOARD_OPTIONS, {
			world: realWorld(),
			nodeKey,
			nodeInfo: {
				protocolVersion: { p2p: P2P_PROTOCOL, block, app: 1n },
				id: nodeKey.id,
				listenAddress: "tcp://127.0.0.1:1",
				network: chainId,
				version: COMETBFT_VERSION,
				channels: Uint8Array.from(this.channels.map((channel) => channel.id)),
				moniker: "puppet",
				other: { txIndex: "off", rpcAddress: "" },
			},
			handlers: [this],
			onFatal: (error) => {
				this.#fatal = error;
			},
		});
	}

	/** Dials until the node is there. */
	async connect(timeoutMs = 20_000): Promise<void> {
		await until(`the node at ${this.#address} answers`, timeoutMs, async () => {
			await this.#board.dialPeer(parsePeerAddress(this.#address));
			return true;
		});
	}

	/** Dials once, and gives the reason why that did not make a peer. */
	async refusal(): Promise<string> {
		try {
			await this.#board.dialPeer(parsePeerAddress(this.#address));
		} catch (cause) {
			return messageOf(cause);
		}
		throw new Error("the node took the puppet as a peer");
	}

	/** Waits until the connection has ended, as it does when the node dies. */
	async gone(timeoutMs = 10_000): Promise<void> {
		await until("the connection ends", timeoutMs, async () => (this.#peer === null ? true : undefined));
	}

	async close(): Promise<void> {
		await this.#board.stop();
	}

	send(message: ConsensusMessage): void {
		this.#check();
		const { kind } = message;
		if (this.#peer?.send(CHANNEL_OF[kind], encodeConsensusMessage(message)) !== true) {
			throw new Error(`the puppet could not send its ${kind}`);
		}
	}

	/** The first message of this connection for which `check` holds: one that came already, or the next to come. */
	expect(what: string, check: (message: ConsensusMessage) => boolean, timeoutMs = 20_000): Promise<ConsensusMessage> {
		this.#check();
		const known = this.received.find(check);
		if (known !== undefined) return Promise.resolve(known);
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => {
				this.#waiting = this.#waiting.filter((each) => each !== waiting);
				reject(new Error(`not within ${timeoutMs} ms: ${what}; received:\n${this.describe()}`));
			}, timeoutMs);
			const waiting: Waiting = {
				check,
				found: (message) => {
					clearTimeout(timer);
					resolve(message);
				},
			};
			this.#waiting.push(waiting);
		});
	}

	/** The conversation, one message a line. */
	describe(): string {
		return this.received.map((each) => `\t${lineOf(each)}`).join("\n");
	}

	addPeer(peer: Peer): void {
		this.#peer = peer;
		this.received = [];
		this.#sayHeight();
	}

	removePeer(): void {
		this.#peer = null;
	}

	receive(_peer: Peer, channel: number, bytes: Uint8Array): void {
		if (channel === BLOCKSYNC) {
			if (blocksync.Message.decode(bytes).sum?.kind === "statusRequest") this.#sayHeight();
			return;
		}
		const message = decodeConsensusMessage(bytes);
		this.received.push(message);
		this.onMessage(message);
		const found = this.#waiting.filter((each) => each.check(message));
		this.#waiting = this.#waiting.filter((each) => !found.includes(each));
		for (const each of found) each.found(message);
	}

	#sayHeight(): void {
		const value = { height: 0n, base: 0n };
		this.#peer?.send(BLOCKSYNC, blocksync.Message.encode({ sum: { kind: "statusResponse", value } }));
	}

	#check(): void {
		if (this.#fatal !== null) throw new Error(`the puppet broke: ${String(this.#fatal)}`, { cause: this.#fatal });
	}
}

function lineOf(message: ConsensusMessage): string {
	const text = (_: string, value: unknown): unknown => {
		if (typeof value === "bigint") return value.toString();
		return value instanceof Uint8Array ? Buffer.from(value).toString("hex").slice(0, 8) : value;
	};
	return message.kind === "part" ? `part ${message.height}/${message.round}` : JSON.stringify(message, text);
}
