import { privateKeyFromSeed } from "@cairn/crypto";
import { type ConsensusMessage, decodeConsensusMessage, encodeConsensusMessage } from "@cairn/gossip";
import type { Connection } from "@cairn/kit";
import {
	decodeNodeInfo,
	encodeNodeInfoDelimited,
	type NodeInfo,
	type NodeKey,
	nodeKeyOf,
	PacketReader,
	PONG_PACKET,
	SecretConnection,
	writeMessagePacket,
} from "@cairn/network";
import { BLOCK_PROTOCOL, COMETBFT_VERSION, P2P_PROTOCOL } from "@cairn/types";
import { readDelimited } from "@cairn/types/proto";
import { realWorld } from "@cairn/world";
import type { TestNode } from "./network.ts";
import { until } from "./rpc.ts";

const PAYLOAD = 1_024;
const world = realWorld();

/** How far a raw peer goes along with the protocol before it does what it likes. */
export type Depth =
	/** Connected, nothing said. */
	| "connected"
	/** Encrypted, identity proven. */
	| "proven"
	/** Both node infos exchanged: a peer like others. */
	| "introduced";

/** A connection to a node in the hands of a test, which may send anything at any depth. */
export class RawPeer {
	readonly nodeKey: NodeKey;
	/** What the node said of itself; only once introduced. */
	nodeInfo: NodeInfo | null = null;
	/** Consensus messages that came; those of the other channels are counted only. */
	readonly received: ConsensusMessage[] = [];
	messages = 0;
	readonly #plain: Connection;
	#secret: SecretConnection | null = null;
	#ended = false;
	/** Bytes of node info that have not all come. */
	#info = Buffer.alloc(0);
	readonly #reader = new PacketReader(PAYLOAD + 64);
	readonly #partial = new Map<number, Uint8Array[]>();

	private constructor(plain: Connection, seed: Uint8Array) {
		this.nodeKey = nodeKeyOf(privateKeyFromSeed("ed25519", seed));
		this.#plain = plain;
		plain.onClose = () => {
			this.#ended = true;
		};
	}

	/** @param seed of the node key: another seed is another peer */
	static async dial(node: TestNode, seed: Uint8Array): Promise<RawPeer> {
		return new RawPeer(await world.network.dial(`tcp://127.0.0.1:${node.p2pPort}`, 10_000), seed);
	}

	/** Dials and goes along up to `depth`. @param chainId for the introduction */
	static async connect(node: TestNode, seed: Uint8Array, depth: Depth, chainId: string): Promise<RawPeer> {
		const peer = await RawPeer.dial(node, seed);
		if (depth === "connected") return peer;
		await peer.prove();
		if (depth === "introduced") await peer.introduce(peer.info(chainId));
		return peer;
	}

	/** True once the node has closed the connection. */
	get ended(): boolean {
		return this.#ended;
	}

	/** A node info that the node should accept. */
	info(chainId: string): NodeInfo {
		return {
			protocolVersion: { p2p: P2P_PROTOCOL, block: BLOCK_PROTOCOL, app: 1n },
			id: this.nodeKey.id,
			listenAddress: "tcp://127.0.0.1:1",
			network: chainId,
			version: COMETBFT_VERSION,
			channels: Uint8Array.of(0x20, 0x21, 0x22, 0x23, 0x30, 0x38, 0x40),
			moniker: "raw",
			other: { txIndex: "off", rpcAddress: "" },
		};
	}

	/** The secret handshake. */
	async prove(): Promise<void> {
		const secret = new SecretConnection(this.#plain, { privateKey: this.nodeKey.privateKey, world });
		this.#secret = secret;
		let isOpen = false;
		secret.onOpen = () => {
			isOpen = true;
		};
		secret.onData = (bytes) => this.#receive(bytes);
		secret.onClose = () => {
			this.#ended = true;
		};
		await until("the secret handshake", 20_000, async () => (isOpen || this.#ended ? true : undefined));
		if (!isOpen) throw new Error("the node ended the connection in the secret handshake");
	}

	/** Sends this node info and waits for the node's; a node that refuses ends the connection. */
	async introduce(info: NodeInfo): Promise<void> {
		this.write(encodeNodeInfoDelimited(info));
		await until("the node's info", 20_000, async () => (this.nodeInfo !== null || this.#ended ? true : undefined));
	}

	/** Bytes as they are: into the encryption where there is one. */
	write(bytes: Uint8Array): boolean {
		if (this.#ended) return false;
		return this.#secret === null ? this.#plain.write(bytes) : this.#secret.write(bytes);
	}

	/** Bytes beneath the encryption. */
	writePlain(bytes: Uint8Array): void {
		if (!this.#ended) this.#plain.write(bytes);
	}

	/** A message cut into packets. */
	message(channel: number, bytes: Uint8Array): boolean {
		let isTaken = true;
		for (let start = 0; start === 0 || start < bytes.length; start += PAYLOAD) {
			const packet = new Uint8Array(PAYLOAD + 64);
			const end = Math.min(bytes.length, start + PAYLOAD);
			isTaken = this.write(packet.slice(0, writeMessagePacket(packet, 0, channel, bytes, start, end)));
		}
		return isTaken;
	}

	consensus(channel: number, message: ConsensusMessage): boolean {
		return this.message(channel, encodeConsensusMessage(message));
	}

	/** Bytes that the node does not read fast enough wait here. */
	get pendingBytes(): number {
		return this.#plain.pendingBytes;
	}

	/** Waits until the node has ended the connection. */
	async gone(timeoutMs = 20_000): Promise<void> {
		await until("the node ends the connection", timeoutMs, async () => (this.#ended ? true : undefined));
	}

	close(): void {
		this.#plain.destroy();
	}

	#receive(bytes: Uint8Array): void {
		if (this.nodeInfo === null) {
			this.#info = Buffer.concat([this.#info, bytes]);
			const found = readDelimited(new Uint8Array(this.#info), 0, this.#info.length);
			if (found === undefined) return;
			this.nodeInfo = decodeNodeInfo(found.message);
			this.#packets(new Uint8Array(this.#info).subarray(found.next));
			return;
		}
		this.#packets(bytes);
	}

	#packets(bytes: Uint8Array): void {
		this.#reader.push(bytes);
		for (let packet = this.#reader.next(); packet !== undefined; packet = this.#reader.next()) {
			if (packet.kind === "ping") this.write(PONG_PACKET);
			if (packet.kind !== "message") continue;
			const parts = this.#partial.get(packet.channelId) ?? [];
			parts.push(packet.data.slice());
			this.#partial.set(packet.channelId, packet.eof ? [] : parts);
			if (packet.eof) this.#message(packet.channelId, Buffer.concat(parts));
		}
	}

	#message(channel: number, bytes: Uint8Array): void {
		this.messages++;
		if (channel >= 0x20 && channel <= 0x23) this.received.push(decodeConsensusMessage(new Uint8Array(bytes)));
	}
}
