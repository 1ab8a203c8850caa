// A node that replays a recorded chain and serves it; holds no tests itself.
import { type AppConnections, localConnections, openKvStore } from "@cairn/abci";
import { type ConsensusConnection, EventBus, Executor, handshake, Mempool, txLimits } from "@cairn/chain";
import {
	type Effects,
	type Epoch,
	type Tendermint,
	TendermintEngine,
	type TendermintRoundState,
} from "@cairn/consensus";
import { type PublicKey, publicKeyFromJson, SignatureCache } from "@cairn/crypto";
import { fromHex, noMetrics, silentLogger } from "@cairn/kit";
import type { NodeInfo } from "@cairn/network";
import { BlockStore, EventIndex, StateStore } from "@cairn/storage";
import {
	areVoteExtensionsEnabled,
	blockHash,
	blockIdKey,
	type ChainState,
	type GenesisDoc,
	genesisState,
	type Height,
	parseGenesis,
	type ValidatorSet,
} from "@cairn/types";
import { MemoryStore, memoryWorld, realWorld } from "@cairn/world";
import type { RpcEnvironment } from "../environment.ts";
import { IndexerService } from "../indexer/indexer-service.ts";
import { Dispatcher } from "../protocol/dispatcher.ts";
import { routeTable } from "../routes/table.ts";
import type { ServerOptions } from "../server/options.ts";
import { type RpcServer, startRpcServer } from "../server/rpc-server.ts";
import { Subscriptions } from "../subscriptions/subscriptions.ts";
import type { RecordedBlock, Recording } from "./recording.ts";
import { SAMPLE_PEER_STATE, SAMPLE_PEERS } from "./sample-peers.ts";

const SECOND = 1_000_000_000n;
/** Long after every block of the recorded chains. */
const NOW = 2_000_000_000n * SECOND;
const IGNORED: Effects<Tendermint> = { inward: () => {}, outward: () => {}, mark: () => {} };

export const SERVER_OPTIONS: ServerOptions = {
	addresses: ["tcp://127.0.0.1:0"],
	maxOpenConnections: 900,
	maxBodyBytes: 1_000_000,
	maxHeaderBytes: 1_048_576,
	corsAllowedOrigins: [],
	corsAllowedMethods: ["HEAD", "GET", "POST"],
	corsAllowedHeaders: ["Origin", "Accept", "Content-Type", "X-Requested-With", "X-Server-Time"],
	timeoutBroadcastTxCommit: 10_000,
	subscriptionBufferSize: 200,
	websocketWriteBufferSize: 200,
	closeOnSlowClient: false,
	tls: null,
};

/** What the recorded node said of itself, so that it need not be masked. */
interface Identity {
	readonly nodeInfo: NodeInfo;
	readonly validatorKey: PublicKey;
}

function identityOf({ calls }: Recording): Identity {
	const call = calls.find(({ label }) => label === "status");
	if (call === undefined) throw new Error("no recorded status");
	const { node_info: info, validator_info: validator } = JSON.parse(call.body).result;
	return {
		nodeInfo: {
			protocolVersion: { p2p: 8n, block: 11n, app: 1n },
			id: info.id,
			listenAddress: info.listen_addr,
			network: info.network,
			version: info.version,
			channels: fromHex(info.channels),
			moniker: info.moniker,
			other: { txIndex: info.other.tx_index, rpcAddress: info.other.rpc_address },
		},
		validatorKey: publicKeyFromJson(validator.pub_key),
	};
}

/** Stores, application, mempool, index and RPC of a node whose blocks come from a recording. */
export class RecordedNode {
	readonly events = new EventBus();
	readonly blockStore = BlockStore.open(new MemoryStore());
	readonly stateStore = StateStore.open(new MemoryStore());
	readonly index = EventIndex.open(new MemoryStore());
	readonly subscriptions: Subscriptions;
	readonly environment: RpcEnvironment;
	readonly genesis: GenesisDoc;
	readonly connections: AppConnections;
	/** What the next answer of `isSyncing` and `trouble` is. */
	readonly condition = { isSyncing: false, trouble: null as string | null };
	readonly #blocks: readonly RecordedBlock[];
	readonly #indexer: IndexerService;
	readonly #world = memoryWorld({ seed: "recorded node" });
	#state: ChainState;
	#mempool: Mempool;
	#executor: Executor;

	private constructor(recording: Recording, connections: AppConnections, change: Partial<RpcEnvironment>) {
		const { genesis, blocks } = recording;
		const { nodeInfo, validatorKey } = identityOf(recording);
		this.#blocks = blocks;
		this.connections = connections;
		this.genesis = parseGenesis(genesis);
		this.#world.time.jumpWall(NOW - this.#world.clock.wall());
		this.#state = genesisState(this.genesis);
		this.#mempool = this.#newMempool();
		this.#executor = this.#newExecutor(connections.consensus, null);
		this.#indexer = new IndexerService({
			index: this.index,
			logger: silentLogger,
			onFatal: (cause) => {
				throw cause;
			},
		});
		const { timers } = realWorld();
		const hasPeers = this.genesis.validators.length > 1;
		this.subscriptions = new Subscriptions(this.events, timers);
		this.environment = {
			blockStore: this.blockStore,
			stateStore: this.stateStore,
			index: this.index,
			mempool: this.#mempool,
			evidence: { add: async () => {} },
			application: connections,
			genesis: this.genesis,
			consensus: {
				roundState: () => this.#roundState(),
				bodies: { block: () => null, parts: () => null },
				peerStates: () => (hasPeers ? [SAMPLE_PEER_STATE] : []),
			},
			network: {
				nodeInfo,
				isListening: true,
				externalAddress: "",
				peers: hasPeers ? SAMPLE_PEERS : [],
				dialPeers: () => {},
			},
			subscriptions: this.subscriptions,
			validatorKey,
			isSyncing: () => this.condition.isSyncing,
			trouble: () => this.condition.trouble,
			limits: { maxSubscriptionClients: 100, maxSubscriptionsPerClient: 5, timeoutBroadcastTxCommit: 10_000 },
			timers,
			logger: silentLogger,
			...change,
		};
	}

	/** Before the first block. @param change parts of the environment that are to be different */
	static async open(recording: Recording, change: Partial<RpcEnvironment> = {}): Promise<RecordedNode> {
		const node = new RecordedNode(recording, localConnections(await openKvStore()), change);
		node.#state = await handshake(node.#state, {
			connections: node.connections,
			stateStore: node.stateStore,
			blockStore: node.blockStore,
			genesis: node.genesis,
			logger: silentLogger,
			executorFor: (application) => node.#newExecutor(application, null),
		});
		node.#executor = node.#newExecutor(node.connections.consensus, node.#mempool);
		return node;
	}

	/** At a height of the recording. */
	static async at(recording: Recording, height: Height, change: Partial<RpcEnvironment> = {}): Promise<RecordedNode> {
		const node = await RecordedNode.open(recording, change);
		while (node.height < height) await node.grow();
		return node;
	}

	get height(): Height {
		return this.#state.lastBlockHeight;
	}

	get mempool(): Mempool {
		return this.#mempool;
	}

	/** False at the end of the recording. */
	get canGrow(): boolean {
		return this.height < this.#blocks.length;
	}

	/** Executes and indexes the next recorded block. */
	async grow(): Promise<void> {
		const recorded = this.#blocks[this.height];
		if (recorded === undefined) throw new Error("the recording ends here");
		const { block, parts, seenCommit, extendedCommit } = recorded;
		if (extendedCommit === null) await this.blockStore.saveBlock(block, parts, seenCommit);
		else await this.blockStore.saveBlockWithExtendedCommit(block, parts, extendedCommit);
		const id = { hash: blockHash(block), partSetHeader: parts.header };
		const { state } = await this.#executor.apply(this.#state, id, block);
		await this.#executor.mempoolSettled();
		await this.#indexer.settled();
		this.#state = state;
	}

	/** A server of this node on a port of its own. */
	serve(change: Partial<ServerOptions> = {}, maxBatchSize = 10): Promise<RpcServer> {
		const dispatcher = new Dispatcher(routeTable(true), this.environment, { maxBatchSize });
		const { subscriptions } = this;
		return startRpcServer({ ...SERVER_OPTIONS, ...change }, { dispatcher, subscriptions, logger: silentLogger });
	}

	#newMempool(): Mempool {
		const options = {
			size: 5_000,
			maxTxsBytes: 1_073_741_824,
			maxTxBytes: 4_194_304,
			cacheSize: 10_000,
			keepInvalidTxsInCache: false,
			recheck: true,
			recheckTimeoutMs: 1_000,
			enabled: true,
		};
		return new Mempool(options, this.#state.lastBlockHeight, txLimits(this.#state), {
			connection: this.connections.mempool,
			timers: this.#world.timers,
			logger: silentLogger,
			metrics: noMetrics,
		});
	}

	#newExecutor(application: ConsensusConnection, mempool: Mempool | null): Executor {
		return new Executor(
			{ blockTimeTolerance: 60n * SECOND },
			{
				application,
				mempool,
				stateStore: this.stateStore,
				blockStore: this.blockStore,
				evidence: null,
				events: this.events,
				signatures: new SignatureCache(1_000),
				clock: this.#world.clock,
				logger: silentLogger,
				metrics: noMetrics,
				failPoint: () => {},
				onExecuted: (executed) => this.#indexer.add(executed),
			},
		);
	}

	/** What the engine shows when it has just begun the next height. */
	#roundState(): TendermintRoundState {
		const state = this.#state;
		const engine = new TendermintEngine({ chainId: state.chainId });
		const commit = this.blockStore.loadSeenCommit(state.lastBlockHeight);
		const extended = this.blockStore.loadExtendedCommit(state.lastBlockHeight);
		const epochs = [epochOf(state.lastBlockHeight + 1, state.validators, state)];
		const tip = {
			height: state.lastBlockHeight,
			block: blockIdKey(state.lastBlockId),
			time: state.lastBlockTime,
			certificate: commit === null ? null : { commit, extended },
		};
		const previous = epochOf(state.lastBlockHeight, state.lastValidators, state);
		const executed = state.lastBlockHeight;
		engine.step({ kind: "start", tip, executed, epochs, previous, snapshot: null }, { mono: 0, wall: NOW }, IGNORED);
		return engine.gossip();
	}
}

function epochOf(height: Height, validators: ValidatorSet, { consensusParams }: ChainState): Epoch {
	return {
		number: height,
		from: height,
		last: height,
		validators,
		members: validators.validators.map((_, index) => index),
		self: null,
		params: {
			timeouts: {},
			extensions: areVoteExtensionsEnabled(consensusParams, height),
			waitForWork: false,
		},
	};
}
