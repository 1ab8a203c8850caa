import {
	type ConsensusConnection,
	EvidencePool,
	type ExecutedBlock,
	Executor,
	handshake,
	Mempool,
	txLimits,
} from "@cairn/chain";
import type { ChainState } from "@cairn/types";
import type { Foundation } from "./foundation.ts";

/** Everything that happens to blocks and transactions outside consensus. */
export interface ChainRoom {
	/** State after the handshake. */
	readonly state: ChainState;
	readonly mempool: Mempool;
	readonly evidence: EvidencePool;
	readonly executor: Executor;
}

/** Brings application and stores to one height, then opens mempool and evidence pool on that state. */
export async function openChain(
	foundation: Foundation,
	onExecuted: (executed: ExecutedBlock) => void,
): Promise<ChainRoom> {
	const { stores, connections, logger, signatures } = foundation;
	const { stateStore, blockStore, genesis } = stores;
	const executorFor = executorMaker(foundation, onExecuted);
	const state = await handshake(stores.state, {
		connections,
		stateStore,
		blockStore,
		genesis,
		logger: logger.child({ module: "consensus" }),
		executorFor: (application) => executorFor(application, null, null),
		failPoint: foundation.failPoint,
	});
	const mempool = makeMempool(foundation, state);
	const evidence = await EvidencePool.open(state, {
		store: stores.evidenceStore,
		blockStore,
		stateStore,
		verify: (key, message, signature) => signatures.verify(key, message, signature),
		logger: logger.child({ module: "evidence" }),
		failPoint: foundation.failPoint,
	});
	return { state, mempool, evidence, executor: executorFor(connections.consensus, mempool, evidence) };
}

type MakeExecutor = (
	application: ConsensusConnection,
	mempool: Mempool | null,
	evidence: EvidencePool | null,
) => Executor;

/** Executors over the same stores: one for the handshake, without mempool and evidence pool, and the node's own. */
function executorMaker(foundation: Foundation, onExecuted: (executed: ExecutedBlock) => void): MakeExecutor {
	const { config, world, stores, events, signatures, logger, metrics, failPoint } = foundation;
	const { stateStore, blockStore } = stores;
	const blockTimeTolerance = BigInt(config.consensus.blockTimeTolerance) * 1_000_000n;
	const shared = { stateStore, blockStore, events, signatures, metrics, failPoint, onExecuted, clock: world.clock };
	return (application, mempool, evidence) => {
		const parts = { ...shared, logger: logger.child({ module: "state" }), application, mempool, evidence };
		return new Executor({ blockTimeTolerance }, parts);
	};
}

function makeMempool({ config, connections, world, logger, metrics }: Foundation, state: ChainState): Mempool {
	const { mempool } = config;
	const options = {
		size: mempool.size,
		maxTxsBytes: mempool.maxTxsBytes,
		maxTxBytes: mempool.maxTxBytes,
		cacheSize: mempool.cacheSize,
		keepInvalidTxsInCache: mempool.keepInvalidTxsInCache,
		recheck: mempool.recheck,
		recheckTimeoutMs: mempool.recheckTimeout,
		enabled: mempool.type !== "nop",
	};
	return new Mempool(options, state.lastBlockHeight, txLimits(state), {
		connection: connections.mempool,
		timers: world.timers,
		logger: logger.child({ module: "mempool" }),
		metrics,
	});
}
