// A node's back room in memory, for the tests of this package; holds no tests itself.
import { type AppConnections, type Application, localConnections, openKvStore } from "@cairn/abci";
import { type PrivateKey, privateKeyFromSeed, publicKeyOf, SignatureCache, sha256, sign } from "@cairn/crypto";
import { type Logger, noMetrics, silentLogger, utf8 } from "@cairn/kit";
import { BlockStore, StateStore } from "@cairn/storage";
import {
	BLOCK_ID_FLAG_COMMIT,
	type Block,
	type BlockId,
	blockHash,
	blockToPartSet,
	type ChainState,
	type Commit,
	type CommitSig,
	type ConsensusParams,
	commitToExtendedCommit,
	commitVoteSignBytes,
	DEFAULT_CONSENSUS_ENGINE,
	defaultConsensusParams,
	EMPTY_COMMIT,
	type GenesisDoc,
	genesisState,
	type Height,
	newValidator,
	type PartSet,
	type ValidatorSet,
} from "@cairn/types";
import { MemoryStore, memoryWorld } from "@cairn/world";
import { type ChainEvent, EventBus, type ExecutedBlock } from "../events.ts";
import type { EvidencePool } from "../evidence/pool.ts";
import { type ConsensusConnection, Executor, type ExecutorParts, txLimits } from "../executor/executor.ts";
import { handshake } from "../handshake.ts";
import { Mempool, type MempoolOptions } from "../mempool/mempool.ts";

export const GENESIS_TIME = 1_700_000_000_000_000_000n;
const SECOND = 1_000_000_000n;

export function testKey(name: string | number): PrivateKey {
	return privateKeyFromSeed("ed25519", sha256(utf8(`key ${name}`)));
}

export function testGenesis(keys: readonly PrivateKey[], change: Partial<GenesisDoc> = {}): GenesisDoc {
	return {
		genesisTime: GENESIS_TIME,
		chainId: "test-chain",
		initialHeight: 1,
		consensusParams: defaultConsensusParams(),
		validators: keys.map((key) => {
			const publicKey = publicKeyOf(key);
			return { address: newValidator(publicKey, 10n).address, publicKey, power: 10n, name: "" };
		}),
		appHash: new Uint8Array(0),
		appState: "",
		consensusEngine: DEFAULT_CONSENSUS_ENGINE,
		...change,
	};
}

export function withBlockParams(change: Partial<ConsensusParams["block"]>): ConsensusParams {
	const params = defaultConsensusParams();
	return { ...params, block: { ...params.block, ...change } };
}

export const MEMPOOL_OPTIONS: MempoolOptions = {
	size: 1_000,
	maxTxsBytes: 1_000_000,
	maxTxBytes: 10_000,
	cacheSize: 1_000,
	keepInvalidTxsInCache: false,
	recheck: true,
	recheckTimeoutMs: 1_000,
	enabled: true,
};

/** A commit that every validator of the set signed, one second after the block before. */
export function signedCommit(keys: readonly PrivateKey[], set: ValidatorSet, id: BlockId, at: Block["header"]): Commit {
	const { height, chainId, time } = at;
	const signatures = set.validators.map(
		({ address }): CommitSig => ({
			blockIdFlag: BLOCK_ID_FLAG_COMMIT,
			validatorAddress: address,
			timestamp: time + SECOND,
			signature: new Uint8Array(64),
		}),
	);
	const unsigned: Commit = { height, round: 0, blockId: id, signatures };
	return {
		...unsigned,
		signatures: signatures.map((each, index) => {
			const key = keys.find(
				(one) => String(newValidator(publicKeyOf(one), 1n).address) === String(each.validatorAddress),
			);
			if (key === undefined) throw new Error("a validator without a key");
			return { ...each, signature: sign(key, commitVoteSignBytes(chainId, unsigned, index)) };
		}),
	};
}

export interface MadeBlock {
	readonly block: Block;
	readonly id: BlockId;
	readonly parts: PartSet;
	readonly commit: Commit;
	/** The state behind the block. */
	readonly after: ChainState;
}

export interface RoomOptions {
	readonly keys?: readonly PrivateKey[];
	readonly genesis?: GenesisDoc;
	readonly application?: Application;
	readonly evidence?: EvidencePool;
	readonly mempool?: Partial<MempoolOptions>;
	readonly logger?: Logger;
	/** Stores that somebody else has filled. */
	readonly states?: MemoryStore;
	readonly blocks?: MemoryStore;
	/** Around the consensus connection. */
	readonly wrap?: (connection: ConsensusConnection) => ConsensusConnection;
}

/** Stores, application, mempool and executor of one node, without consensus: `extend` decides. */
export class BackRoom {
	readonly world = memoryWorld({ seed: "chain tests" });
	readonly keys: readonly PrivateKey[];
	readonly genesis: GenesisDoc;
	readonly states: MemoryStore;
	readonly blocks: MemoryStore;
	readonly stateStore: StateStore;
	readonly blockStore: BlockStore;
	readonly connections: AppConnections;
	readonly events = new EventBus();
	readonly heard: ChainEvent[] = [];
	/** Labels of write points in the order in which they were passed. */
	readonly passed: string[] = [];
	readonly executed: ExecutedBlock[] = [];
	readonly made: MadeBlock[] = [];
	readonly #options: RoomOptions;
	state: ChainState;
	mempool: Mempool;
	executor: Executor;

	private constructor(options: RoomOptions, application: Application) {
		this.#options = options;
		this.keys = options.keys ?? [testKey(0)];
		this.genesis = options.genesis ?? testGenesis(this.keys);
		this.states = options.states ?? new MemoryStore();
		this.blocks = options.blocks ?? new MemoryStore();
		this.stateStore = StateStore.open(this.states);
		this.blockStore = BlockStore.open(this.blocks);
		this.connections = localConnections(application);
		this.state = this.stateStore.load() ?? genesisState(this.genesis);
		this.world.time.jumpWall(GENESIS_TIME + 1_000n * SECOND - this.world.clock.wall());
		this.mempool = this.#mempool();
		this.executor = this.executorFor(this.connections.consensus, this.mempool);
	}

	/** Opens the room with kvstore unless told otherwise; nothing has been said to the application yet. */
	static async open(options: RoomOptions = {}): Promise<BackRoom> {
		return new BackRoom(options, options.application ?? (await openKvStore()));
	}

	/** A room after the handshake: the chain is open in the application. */
	static async started(options: RoomOptions = {}): Promise<BackRoom> {
		const room = await BackRoom.open(options);
		await room.shakeHands();
		return room;
	}

	#mempool(): Mempool {
		const options = { ...MEMPOOL_OPTIONS, ...this.#options.mempool };
		return new Mempool(options, this.state.lastBlockHeight, txLimits(this.state), {
			connection: this.connections.mempool,
			timers: this.world.timers,
			logger: this.#options.logger ?? silentLogger,
			metrics: noMetrics,
		});
	}

	executorFor(application: ConsensusConnection, mempool: Mempool | null): Executor {
		const parts: ExecutorParts = {
			application: this.#options.wrap?.(application) ?? application,
			stateStore: this.stateStore,
			blockStore: this.blockStore,
			mempool,
			evidence: mempool === null ? null : (this.#options.evidence ?? null),
			events: this.events,
			signatures: new SignatureCache(1_000),
			clock: this.world.clock,
			logger: this.#options.logger ?? silentLogger,
			metrics: noMetrics,
			failPoint: (label) => this.passed.push(label),
			onExecuted: (executed) => this.executed.push(executed),
		};
		return new Executor({ blockTimeTolerance: 60n * SECOND }, parts);
	}

	async shakeHands(): Promise<ChainState> {
		this.state = await handshake(this.state, {
			connections: this.connections,
			stateStore: this.stateStore,
			blockStore: this.blockStore,
			genesis: this.genesis,
			logger: this.#options.logger ?? silentLogger,
			executorFor: (application) => this.executorFor(application, null),
			failPoint: (label) => this.passed.push(label),
		});
		this.mempool = this.#mempool();
		this.executor = this.executorFor(this.connections.consensus, this.mempool);
		return this.state;
	}

	/** Height of the next block. */
	get next(): Height {
		return this.state.lastBlockHeight === 0 ? this.state.initialHeight : this.state.lastBlockHeight + 1;
	}

	get lastCommit(): Commit {
		return this.made.at(-1)?.commit ?? EMPTY_COMMIT;
	}

	/** The block this node would propose now. */
	propose(): Promise<Block> {
		const proposer = this.state.validators.proposer;
		if (proposer === null) throw new Error("no proposer");
		const last = commitToExtendedCommit(this.lastCommit);
		return this.executor.createProposal(this.next, this.state, last, proposer.address);
	}

	/** Gives the transactions to the mempool, proposes, stores, executes. */
	async extend(txs: readonly string[] = []): Promise<MadeBlock> {
		for (const tx of txs) await this.mempool.checkTx(utf8(tx), "");
		return this.decide(await this.propose());
	}

	/** Stores and executes a block that consensus has decided. */
	async decide(block: Block): Promise<MadeBlock> {
		const parts = blockToPartSet(block);
		const id: BlockId = { hash: blockHash(block), partSetHeader: parts.header };
		const commit = signedCommit(this.keys, this.state.validators, id, block.header);
		await this.blockStore.saveBlock(block, parts, commit);
		const { state } = await this.executor.apply(this.state, id, block);
		await this.executor.mempoolSettled();
		this.state = state;
		const made: MadeBlock = { block, id, parts, commit, after: state };
		this.made.push(made);
		return made;
	}
}
