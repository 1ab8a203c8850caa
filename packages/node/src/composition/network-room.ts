import type { EvidencePool, Executor, Mempool } from "@cairn/chain";
import type { SignatureCache } from "@cairn/crypto";
import { BlockSyncGossip, ConsensusGossip, EvidenceGossip, MempoolGossip } from "@cairn/gossip";
import { bytesEqual, type Logger, type Metrics, type World } from "@cairn/kit";
import {
	type ChannelHandler,
	DEFAULT_SWITCHBOARD_OPTIONS,
	loadOrMakeNodeKey,
	type NodeInfo,
	type NodeKey,
	type Peer,
	Switchboard,
	type SwitchboardOptions,
} from "@cairn/network";
import type { FileSigner } from "@cairn/signer";
import { BLOCK_PROTOCOL, type ChainState, COMETBFT_VERSION, P2P_PROTOCOL } from "@cairn/types";
import { splitList } from "../config/index.ts";
import type { Config } from "../config/schema.ts";
import type { ConsensusRoom } from "./consensus-room.ts";
import type { Stores } from "./stores.ts";

export interface NetworkRoomParts {
	readonly config: Config;
	readonly world: World;
	readonly stores: Stores;
	/** State after the handshake. */
	readonly state: ChainState;
	readonly signer: FileSigner;
	readonly room: ConsensusRoom;
	readonly executor: Executor;
	readonly mempool: Mempool;
	readonly evidence: EvidencePool;
	readonly signatures: SignatureCache;
	readonly logger: Logger;
	readonly metrics: Metrics;
	readonly onFatal: (cause: unknown) => void;
}

/** The switchboard and everything that sits on its channels; brings the node into sync, then sets consensus going. */
export class NetworkRoom {
	readonly #parts: NetworkRoomParts;
	#syncing = true;
	readonly switchboard: Switchboard;
	readonly consensus: ConsensusGossip;
	readonly transactions: MempoolGossip;
	readonly blocks: BlockSyncGossip;
	readonly evidence: EvidenceGossip;
	readonly nodeInfo: NodeInfo;

	private constructor(parts: NetworkRoomParts, nodeKey: NodeKey) {
		this.#parts = parts;
		const { config, world, logger, metrics } = parts;
		this.consensus = consensusGossip(parts);
		this.transactions = this.#mempoolGossip();
		this.evidence = new EvidenceGossip(
			{},
			{
				pool: parts.evidence,
				chainState: () => parts.room.host.state,
				heightOf: (id) => this.consensus.heightOf(id),
				stopPeer: (peer, reason, fault) => this.switchboard.stopPeer(peer, reason, fault),
				timers: world.timers,
				logger,
			},
		);
		this.consensus.onPeerMoved((peer) => {
			this.transactions.peerMoved(peer);
			this.evidence.peerMoved(peer);
		});
		this.blocks = this.#blockSyncGossip();
		const handlers: readonly ChannelHandler[] = [this.blocks, this.consensus, this.transactions, this.evidence];
		this.nodeInfo = nodeInfoOf(parts, nodeKey, handlers);
		this.switchboard = new Switchboard(switchboardOptions(config), {
			world,
			nodeKey,
			nodeInfo: this.nodeInfo,
			handlers,
			logger,
			metrics,
			onFatal: parts.onFatal,
		});
		parts.room.host.listen({
			// Gossip first: the next turn may wait for the disk, and what this one brought need not.
			settled: () => {
				this.consensus.settled();
				parts.room.gate.pump();
			},
			announced: (event) => {
				if (event.name === "NewRoundStep") parts.room.gate.retryLater();
				this.consensus.announced(event);
			},
			applied: (state) => this.consensus.applied(state),
		});
	}

	static async create(parts: NetworkRoomParts): Promise<NetworkRoom> {
		const nodeKey = await loadOrMakeNodeKey(parts.world.disk, parts.world.random, parts.config.paths.nodeKeyFile);
		return new NetworkRoom(parts, nodeKey);
	}

	/** True until the node has caught up with its peers. */
	get syncing(): boolean {
		return this.#syncing;
	}

	/** `ip:port` where peers can reach this node. */
	get address(): string {
		return this.switchboard.listenAddress;
	}

	get peers(): readonly Peer[] {
		return this.switchboard.peers;
	}

	/** Listens, dials, and brings the node into consensus: at once when nobody can be ahead, else behind block sync. */
	async start(): Promise<void> {
		const { signer, state } = this.#parts;
		await this.switchboard.start();
		this.consensus.start();
		if (isOnlyValidator(state, signer.address)) await this.#join(state);
		else this.blocks.startSync(state);
	}

	async #join(state: ChainState): Promise<void> {
		await this.#parts.room.start(state);
		this.#syncing = false;
		this.consensus.setSyncing(false);
		this.transactions.enable();
	}

	#blockSyncGossip(): BlockSyncGossip {
		const { signer, stores, room, executor, signatures, world, logger, metrics, onFatal } = this.#parts;
		return new BlockSyncGossip(
			{ ownAddress: signer.address },
			{
				blockStore: stores.blockStore,
				chainState: () => room.host.state,
				verify: (key, message, signature) => signatures.verify(key, message, signature),
				validate: (state, { block }) => executor.validate(state, block),
				applyVerified: (state, verified) => room.applySynced(state, verified),
				onCaughtUp: (state) => void this.#join(state).catch(onFatal),
				stopPeer: (peer, reason, fault) => this.switchboard.stopPeer(peer, reason, fault),
				onFatal,
				world,
				logger,
				metrics,
			},
		);
	}

	#mempoolGossip(): MempoolGossip {
		const { config, mempool, world, logger, metrics } = this.#parts;
		const limits = config.mempool;
		return new MempoolGossip(
			{
				maxTxBytes: limits.maxTxBytes,
				maxBatchBytes: limits.maxBatchBytes,
				broadcast: limits.broadcast && limits.type === "flood",
				maxPersistentPeers: limits.experimentalMaxGossipConnectionsToPersistentPeers,
				maxNonPersistentPeers: limits.experimentalMaxGossipConnectionsToNonPersistentPeers,
				gatherMs: config.p2p.flushThrottleTimeout,
				syncing: true,
			},
			{
				mempool,
				world,
				heightOf: (id) => this.consensus.heightOf(id),
				isUnconditional: (id) => this.switchboard.isUnconditional(id),
				logger,
				metrics,
			},
		);
	}

	async stop(): Promise<void> {
		this.blocks.stop();
		this.evidence.stop();
		this.consensus.stop();
		await this.switchboard.stop();
	}

	/** Ends the connection with a peer that broke a rule. */
	stopPeer(id: string, reason: string): void {
		const peer = this.switchboard.peer(id);
		if (peer !== undefined) this.switchboard.stopPeer(peer, reason, true);
	}
}

function consensusGossip({ config, world, stores, state, room, logger, metrics }: NetworkRoomParts): ConsensusGossip {
	return new ConsensusGossip(
		{
			initialHeight: state.initialHeight,
			gossipSleepMs: config.consensus.peerGossipSleepDuration,
			queryMaj23SleepMs: config.consensus.peerQueryMaj23SleepDuration,
			syncing: true,
		},
		{
			roundState: () => room.engine.gossip(),
			busy: () => room.driver.busy,
			assembler: room.assembler,
			blockStore: stores.blockStore,
			chainState: () => room.host.state,
			submit: (message) => room.gate.submit(message),
			world,
			logger,
			metrics,
		},
	);
}

/** Order of the channels in CometBFT's NodeInfo. */
const CHANNEL_ORDER = [0x40, 0x20, 0x21, 0x22, 0x23, 0x30, 0x38, 0x60, 0x61, 0x00];

function nodeInfoOf(
	{ config, state }: NetworkRoomParts,
	nodeKey: NodeKey,
	handlers: readonly ChannelHandler[],
): NodeInfo {
	const known = new Set(handlers.flatMap((handler) => handler.channels.map((channel) => channel.id)));
	const { externalAddress, laddr } = config.p2p;
	return {
		protocolVersion: { p2p: P2P_PROTOCOL, block: BLOCK_PROTOCOL, app: state.version.consensus.app },
		id: nodeKey.id,
		listenAddress: externalAddress === "" ? laddr : externalAddress,
		network: state.chainId,
		version: COMETBFT_VERSION,
		channels: Uint8Array.from(CHANNEL_ORDER.filter((id) => known.has(id))),
		moniker: config.base.moniker,
		other: { txIndex: config.txIndex.indexer === "null" ? "off" : "on", rpcAddress: config.rpc.laddr },
	};
}

function switchboardOptions({ p2p }: Config): SwitchboardOptions {
	return {
		...DEFAULT_SWITCHBOARD_OPTIONS,
		listenAddress: p2p.laddr,
		persistentPeers: splitList(p2p.persistentPeers),
		unconditionalPeerIds: splitList(p2p.unconditionalPeerIds),
		privatePeerIds: splitList(p2p.privatePeerIds),
		maxNumInboundPeers: p2p.maxNumInboundPeers,
		maxNumOutboundPeers: p2p.maxNumOutboundPeers,
		allowDuplicateIp: p2p.allowDuplicateIp,
		handshakeTimeoutMs: p2p.handshakeTimeout,
		dialTimeoutMs: p2p.dialTimeout,
		persistentPeersMaxDialPeriodMs: p2p.persistentPeersMaxDialPeriod,
		connection: {
			...DEFAULT_SWITCHBOARD_OPTIONS.connection,
			sendRate: p2p.sendRate,
			recvRate: p2p.recvRate,
			maxPacketMsgPayloadSize: p2p.maxPacketMsgPayloadSize,
		},
	};
}

/** True if this node alone is the validator set: there is nobody to sync from. */
export function isOnlyValidator(state: ChainState, address: Uint8Array): boolean {
	const [only, ...others] = state.validators.validators;
	return only !== undefined && others.length === 0 && bytesEqual(only.address, address);
}
