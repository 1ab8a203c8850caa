import { CairnError, type Gauge, type Logger, type Metrics, type Timer, type World } from "@cairn/kit";
import type { ChannelDescriptor, ChannelHandler, Peer } from "@cairn/network";
import { BLOCK_PROTOCOL, blockSize, type ChainState, type Height, type SignatureVerifier } from "@cairn/types";
import { BlockServer, MAX_WAITING_BYTES, type ServedBlocks } from "./block-server.ts";
import { BlockSync } from "./block-sync.ts";
import type { VerifiedBlock } from "./candidate.ts";
import {
	BLOCK_SYNC_CHANNEL,
	type BlockSyncMessage,
	decodeBlockSyncMessage,
	encodeBlockSyncMessage,
	MAX_BLOCK_SYNC_MESSAGE,
	nameOfBlockSyncMessage,
	type RawBlockResponse,
} from "./messages.ts";

/** How often peers are asked what they have, while this node syncs. */
const STATUS_MS = 10_000;

export interface BlockSyncGossipOptions {
	/** Number of the chain's block protocol; CometBFT's if not given. */
	readonly blockProtocol?: bigint;
	/** Address of this node's validator key; empty without one. */
	readonly ownAddress: Uint8Array;
}

export interface BlockSyncGossipParts {
	readonly blockStore: ServedBlocks;
	/** State after the last executed block; its params say which heights have vote extensions. */
	readonly chainState: () => ChainState;
	/** Checks a signature; should remember what it found good. */
	readonly verify: SignatureVerifier;
	/** Judges a verified block against the state that it follows. @throws ValidationError */
	readonly validate: (state: ChainState, verified: VerifiedBlock) => void;
	/** Stores and executes a verified and validated block. A rejection is reported to `onFatal`. */
	readonly applyVerified: (state: ChainState, verified: VerifiedBlock) => Promise<ChainState>;
	/** This node has caught up: consensus takes over from `state`. */
	readonly onCaughtUp: (state: ChainState, hasSynced: boolean) => void;
	readonly stopPeer: (peer: Peer, reason: string, fault: boolean) => void;
	readonly onFatal: (cause: unknown) => void;
	readonly world: Pick<World, "clock" | "timers">;
	readonly logger: Logger;
	readonly metrics: Metrics;
}

/** Blocks for those who lag, and from others while we lag (blocksync/reactor.go). */
export class BlockSyncGossip implements ChannelHandler {
	readonly name = "blocksync";
	readonly channels: readonly ChannelDescriptor[] = [
		{
			id: BLOCK_SYNC_CHANNEL,
			name: "blocksync",
			priority: 5,
			sendQueueCapacity: 1_000,
			sendQueueBytes: MAX_WAITING_BYTES,
			receiveMessageCapacity: MAX_BLOCK_SYNC_MESSAGE,
		},
	];
	readonly #blockProtocol: bigint;
	readonly #ownAddress: Uint8Array;
	readonly #parts: BlockSyncGossipParts;
	readonly #logger: Logger;
	readonly #metrics: ReturnType<typeof syncMetrics>;
	readonly #server: BlockServer;
	readonly #peers = new Map<string, { readonly peer: Peer; status: { base: Height; height: Height } | null }>();
	#sync: BlockSync | null = null;
	#statusTimer: Timer | null = null;

	constructor(options: BlockSyncGossipOptions, parts: BlockSyncGossipParts) {
		this.#blockProtocol = options.blockProtocol ?? BLOCK_PROTOCOL;
		this.#ownAddress = options.ownAddress;
		this.#parts = parts;
		this.#logger = parts.logger.child({ module: "blocksync" });
		this.#metrics = syncMetrics(parts.metrics);
		this.#server = new BlockServer({
			store: parts.blockStore,
			hasExtensions: (height) => {
				const enabled = parts.chainState().consensusParams.abci.voteExtensionsEnableHeight;
				return enabled > 0 && height >= enabled;
			},
			timers: parts.world.timers,
			logger: this.#logger,
		});
	}

	/** True while blocks are fetched. */
	get isSyncing(): boolean {
		return this.#sync !== null && !this.#sync.isOver;
	}

	/** Starts to fetch blocks behind this state. Call it once; `onCaughtUp` ends it. */
	startSync(state: ChainState, wasStateSynced = false): void {
		const parts = this.#parts;
		this.#logger.info("Starting blocksync", { height: state.lastBlockHeight, stateSynced: wasStateSynced });
		this.#metrics.syncing.set(1);
		const sync = new BlockSync(state, wasStateSynced, {
			world: parts.world,
			verify: parts.verify,
			validate: parts.validate,
			apply: parts.applyVerified,
			request: (peer, height) => this.#request(peer, height),
			stopPeer: (peer, reason, fault) => this.#stopPeer(peer, reason, fault),
			blocksChain: (now) => this.#blocksChain(now),
			hasExtendedCommit: (height) => parts.blockStore.loadExtendedCommit(height) !== null,
			onCaughtUp: (now, hasSynced) => {
				this.#ended();
				parts.onCaughtUp(now, hasSynced);
			},
			onFatal: (cause) => {
				this.#ended();
				parts.onFatal(cause);
			},
			onApplied: (verified) => this.#measure(verified),
			logger: this.#logger,
		});
		this.#sync = sync;
		for (const [id, { status }] of this.#peers) if (status !== null) sync.peerStatus(id, status.base, status.height);
		sync.start();
		this.#askStatus();
	}

	stop(): void {
		this.#sync?.stop();
		this.#statusTimer?.cancel();
		this.#server.stop();
	}

	#ended(): void {
		this.#metrics.syncing.set(0);
		this.#statusTimer?.cancel();
	}

	#request(id: string, height: Height): void {
		// A request that finds no room is made again when it is overdue.
		this.#peers.get(id)?.peer.send(BLOCK_SYNC_CHANNEL, encodeBlockSyncMessage({ kind: "blockRequest", height }));
	}

	#stopPeer(id: string, reason: string, fault: boolean): void {
		const known = this.#peers.get(id);
		if (known !== undefined) this.#parts.stopPeer(known.peer, reason, fault);
	}

	/** With a third of the power or more, nobody else can have gone on (`localNodeBlocksTheChain`). */
	#blocksChain({ validators }: ChainState): boolean {
		const place = this.#ownAddress.length === 0 ? null : validators.getByAddress(this.#ownAddress);
		return place !== null && place.validator.votingPower >= validators.totalPower / 3n;
	}

	#askStatus(): void {
		const bytes = encodeBlockSyncMessage({ kind: "statusRequest" });
		for (const { peer } of this.#peers.values()) peer.send(BLOCK_SYNC_CHANNEL, bytes);
		this.#statusTimer = this.#parts.world.timers.after(STATUS_MS, () => this.#askStatus());
	}

	#measure({ block }: VerifiedBlock): void {
		this.#metrics.numTxs.set(block.txs.length);
		this.#metrics.totalTxs.add(block.txs.length);
		this.#metrics.blockSizeBytes.set(blockSize(block));
		this.#metrics.latestBlockHeight.set(block.header.height);
	}

	// ------------------------------------------------------------------------------------------------ the network's events

	addPeer(peer: Peer): void {
		this.#peers.set(peer.id, { peer, status: null });
		this.#tellStatus(peer);
	}

	removePeer(peer: Peer): void {
		if (this.#peers.get(peer.id)?.peer !== peer) return;
		this.#peers.delete(peer.id);
		this.#server.removePeer(peer);
		this.#sync?.removePeer(peer.id);
	}

	#tellStatus(peer: Peer): void {
		const { base, height } = this.#parts.blockStore;
		peer.send(BLOCK_SYNC_CHANNEL, encodeBlockSyncMessage({ kind: "statusResponse", base, height }));
	}

	/** @throws DecodeError, ValidationError, CairnError `unsolicited-block`: what only a faulty peer sends */
	receive(peer: Peer, _channelId: number, message: Uint8Array): void {
		this.#handle(peer, decodeBlockSyncMessage(message));
	}

	#handle(peer: Peer, message: BlockSyncMessage): void {
		switch (message.kind) {
			case "blockRequest":
				this.#server.request(peer, message.height);
				return;
			case "blockResponse":
				this.#block(peer, message);
				return;
			case "noBlockResponse":
				this.#sync?.noBlock(peer.id, message.height);
				return;
			case "statusRequest":
				this.#tellStatus(peer);
				return;
			case "statusResponse": {
				const known = this.#peers.get(peer.id);
				if (known !== undefined) known.status = { base: message.base, height: message.height };
				this.#sync?.peerStatus(peer.id, message.base, message.height);
				return;
			}
		}
	}

	#block(peer: Peer, response: RawBlockResponse): void {
		if (this.#sync === null) throw new CairnError("unsolicited-block", "peer", "a block that was not asked for");
		// Answers to what we asked for before consensus took over are still on their way.
		if (!this.#sync.isOver) this.#sync.block(peer.id, response, this.#blockProtocol);
	}

	drained(peer: Peer): void {
		this.#server.drained(peer);
	}

	messageType(_channelId: number, message: Uint8Array): string {
		return nameOfBlockSyncMessage(message);
	}
}

function syncMetrics(metrics: Metrics) {
	const gauge = (name: string, help: string): Gauge => metrics.gauge(`blocksync_${name}`, help);
	return {
		syncing: gauge("syncing", "Whether or not a node is block syncing. 1 if yes, 0 if no."),
		numTxs: gauge("num_txs", "Number of transactions in the latest block."),
		totalTxs: gauge("total_txs", "Total number of transactions."),
		blockSizeBytes: gauge("block_size_bytes", "Size of the latest block."),
		latestBlockHeight: gauge("latest_block_height", "The height of the latest block."),
	};
}
