import { SignatureCache } from "@cairn/crypto";
import { noMetrics, silentLogger, ValidationError } from "@cairn/kit";
import type { ChannelHandler, Peer } from "@cairn/network";
import { BlockStore } from "@cairn/storage";
import { BLOCK_PROTOCOL, type ChainState, decodeBlock, encodeBlock, type Height } from "@cairn/types";
import { type ManualTime, MemoryStore } from "@cairn/world";
import { BlockSyncGossip, type BlockSyncGossipParts } from "../block-sync/block-sync-gossip.ts";
import type { VerifiedBlock } from "../block-sync/candidate.ts";
import {
	BLOCK_SYNC_CHANNEL,
	type BlockSyncMessage,
	decodeBlockSyncMessage,
	encodeBlockResponse,
	encodeBlockSyncMessage,
	type RawBlockResponse,
} from "../block-sync/messages.ts";
import { stateAfter, type TestChain } from "./chain-fixture.ts";
import type { MemorySwitch } from "./memory-peers.ts";

/** A node that has, or fetches, the blocks of a test chain. */
export class SyncNode {
	readonly id: string;
	readonly store: BlockStore = BlockStore.open(new MemoryStore());
	readonly gossip: BlockSyncGossip;
	readonly applied: Height[] = [];
	readonly fatal: unknown[] = [];
	state: ChainState;
	caughtUp: { readonly state: ChainState; readonly hasSynced: boolean } | null = null;
	/** Milliseconds that the application takes for a block. */
	applyMs = 0;
	readonly #time: ManualTime;

	constructor(
		id: string,
		net: MemorySwitch,
		time: ManualTime,
		chain: TestChain,
		options: { readonly ownAddress?: Uint8Array; readonly validate?: BlockSyncGossipParts["validate"] } = {},
	) {
		this.id = id;
		this.#time = time;
		this.state = chain.genesis;
		const signatures = new SignatureCache(100_000);
		this.gossip = new BlockSyncGossip(
			{ ownAddress: options.ownAddress ?? new Uint8Array(0) },
			{
				blockStore: this.store,
				chainState: () => this.state,
				verify: (publicKey, message, signature) => signatures.verify(publicKey, message, signature),
				validate: options.validate ?? ((state, { block }) => checkPlace(state, block.header.height)),
				applyVerified: (state, verified) => this.#apply(state, verified),
				onCaughtUp: (state, hasSynced) => {
					this.caughtUp = { state, hasSynced };
				},
				stopPeer: (peer, reason, fault) => net.stopPeer(id, peer, reason, fault),
				onFatal: (cause) => this.fatal.push(cause),
				world: { clock: time, timers: time },
				logger: silentLogger,
				metrics: noMetrics,
			},
		);
		net.add(id, [this.gossip]);
	}

	/** Stores the first `count` blocks of the chain. */
	async fill(chain: TestChain, count: number): Promise<this> {
		for (const { block, parts, commit, extended, after } of chain.blocks.slice(0, count)) {
			if (extended === null) await this.store.saveBlock(block, parts, commit);
			else await this.store.saveBlockWithExtendedCommit(block, parts, extended);
			this.state = after;
		}
		return this;
	}

	async #apply(state: ChainState, { block, id, parts, commit, extendedCommit }: VerifiedBlock): Promise<ChainState> {
		if (extendedCommit === null) await this.store.saveBlock(block, parts, commit);
		else await this.store.saveBlockWithExtendedCommit(block, parts, extendedCommit);
		if (this.applyMs > 0) await new Promise<void>((resolve) => this.#time.after(this.applyMs, resolve));
		this.applied.push(block.header.height);
		this.state = stateAfter(state, block, id);
		return this.state;
	}
}

function checkPlace(state: ChainState, height: Height): void {
	const expected = state.lastBlockHeight === 0 ? state.initialHeight : state.lastBlockHeight + 1;
	if (height !== expected) throw new ValidationError(`block ${height} where ${expected} was due`);
}

/** How a liar answers; undefined: honestly. */
export type Lie = (height: Height, chain: TestChain) => Uint8Array | null | undefined;

/** A peer played by a test: has a chain, and lies about it as told. */
export class SyncStranger implements ChannelHandler {
	readonly name = "blocksync";
	readonly channels: ChannelHandler["channels"];
	readonly heard: BlockSyncMessage[] = [];
	readonly chain: TestChain;
	status: { base: Height; height: Height };
	lie: Lie = () => undefined;
	isMute = false;
	peer: Peer | null = null;

	constructor(chain: TestChain, status: { base: Height; height: Height }, channels: ChannelHandler["channels"]) {
		this.chain = chain;
		this.status = status;
		this.channels = channels;
	}

	addPeer(peer: Peer): void {
		this.peer = peer;
		this.tell();
	}

	removePeer(): void {
		this.peer = null;
	}

	tell(): void {
		this.say(encodeBlockSyncMessage({ kind: "statusResponse", ...this.status }));
	}

	say(bytes: Uint8Array): void {
		this.peer?.send(BLOCK_SYNC_CHANNEL, bytes);
	}

	/** Heights of blocks that it was sent. */
	blocks(): Height[] {
		return this.heard
			.filter((message): message is RawBlockResponse => message.kind === "blockResponse")
			.map(({ block }) => decodeBlock(block ?? new Uint8Array(), BLOCK_PROTOCOL).header.height);
	}

	receive(_peer: Peer, _channelId: number, bytes: Uint8Array): void {
		const message = decodeBlockSyncMessage(bytes);
		this.heard.push(message);
		if (this.isMute) return;
		if (message.kind === "statusRequest") this.tell();
		if (message.kind === "blockRequest") this.#answer(message.height);
	}

	#answer(height: Height): void {
		const lie = this.lie(height, this.chain);
		if (lie === null) return;
		if (lie !== undefined) {
			this.say(lie);
			return;
		}
		const { block, extended } = this.chain.at(height);
		this.say(encodeBlockResponse(encodeBlock(block), extended));
	}
}
