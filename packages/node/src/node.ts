import { dirname } from "node:path";
import { type AppConnections, appConnections } from "@cairn/abci";
import {
	type ConsensusConnection,
	EventBus,
	EvidencePool,
	Executor,
	type ExecutorParts,
	handshake,
	Mempool,
	txLimits,
} from "@cairn/chain";
import { SignatureCache } from "@cairn/crypto";
import { bytesEqual, CairnError, type Logger, messageOf, noMetrics, type World } from "@cairn/kit";
import { FileSigner } from "@cairn/signer";
import { Wal } from "@cairn/storage";
import type { ChainState } from "@cairn/types";
import { BUILTIN_APPLICATIONS } from "./composition/applications.ts";
import { ConsensusRoom } from "./composition/consensus-room.ts";
import { NetworkRoom } from "./composition/network-room.ts";
import { RpcRoom } from "./composition/rpc-room.ts";
import { openStores, type Stores } from "./composition/stores.ts";
import type { Config } from "./config/schema.ts";
import { InputFile } from "./consensus/input-file.ts";
import { failPointFromEnvironment } from "./edge/fail-point.ts";
import { createMetrics, type NodeMetrics, startMetricsServer } from "./metrics/index.ts";
import type { RunningNode, StartNodeOptions, StopReason } from "./running-node.ts";

/** Signatures that were verified and may be met again: votes of some heights of a large set. */
const REMEMBERED_SIGNATURES = 16_384;

/** Closes what was opened, last first; goes on when one fails. */
class Closers {
	readonly #logger: Logger;
	readonly #closers: { readonly what: string; readonly close: () => Promise<void> }[] = [];

	constructor(logger: Logger) {
		this.#logger = logger;
	}

	add(what: string, close: () => Promise<void>): void {
		this.#closers.push({ what, close });
	}

	async closeAll(): Promise<void> {
		for (const { what, close } of this.#closers.splice(0).reverse()) {
			try {
				await close();
			} catch (cause) {
				this.#logger.error("could not close in order", { what, err: messageOf(cause) });
			}
		}
	}
}

/**
 * The whole node, wired by hand in one place: stores, application, handshake, mempool, evidence, executor, consensus,
 * gossip, RPC, metrics. Nothing here touches the machine but through `world`.
 */
export async function startNode(options: StartNodeOptions): Promise<RunningNode> {
	const closers = new Closers(options.logger);
	try {
		return await compose(options, closers);
	} catch (cause) {
		await closers.closeAll();
		throw cause;
	}
}

async function compose({ config, logger, world }: StartNodeOptions, closers: Closers): Promise<RunningNode> {
	refuseUnbuilt(config);
	const life = new Life(closers, logger);
	const stores = await openStores(config, world);
	closers.add("stores", () => stores.close());
	const metrics = metricsOf(config, stores.genesis.chainId);
	const signer = await openSigner(config, world);
	const connections = await openApplication(config, world, logger, metrics ?? noMetrics);
	closers.add("application", async () => connections.close());
	connections.onError((error) => life.halt("the connection to the application failed", error));

	const events = new EventBus();
	const signatures = new SignatureCache(REMEMBERED_SIGNATURES);
	const failPoint = failPointFromEnvironment(process.env);
	const rpc = new RpcRoom({ config, world, stores, events, connections, logger });
	await rpc.openIndex();
	closers.add("index", () => rpc.closeIndex());
	const executorFor = executorMaker(config, world, stores, {
		events,
		signatures,
		logger: logger.child({ module: "state" }),
		metrics: metrics ?? noMetrics,
		failPoint,
		onExecuted: (executed) => rpc.index(executed),
	});
	const state = await handshake(stores.state, {
		connections,
		stateStore: stores.stateStore,
		blockStore: stores.blockStore,
		genesis: stores.genesis,
		logger: logger.child({ module: "consensus" }),
		executorFor: (application) => executorFor(application, null, null),
	});

	const mempool = makeMempool(config, state, connections, world, logger, metrics ?? noMetrics);
	const evidence = await EvidencePool.open(state, {
		store: stores.evidenceStore,
		blockStore: stores.blockStore,
		stateStore: stores.stateStore,
		verify: (key, message, signature) => signatures.verify(key, message, signature),
		logger: logger.child({ module: "evidence" }),
	});
	const executor = executorFor(connections.consensus, mempool, evidence);
	const consensusLogger = logger.child({ module: "consensus" });
	const wal = await Wal.open(world, config.paths.walFile, { logger: consensusLogger });
	closers.add("consensus log", () => wal.close());
	const inputs = await InputFile.open(world.disk, `${dirname(config.paths.walFile)}/inputs`, consensusLogger);
	closers.add("engine inputs", () => inputs.close());
	const room = new ConsensusRoom({
		config,
		world,
		genesis: stores.genesis,
		state,
		wal,
		inputs,
		signer,
		executor,
		blockStore: stores.blockStore,
		mempool,
		evidence,
		events,
		signatures,
		logger: consensusLogger,
		metrics: metrics ?? noMetrics,
		failPoint,
		onHalt: (what, cause) => life.halt(what, cause),
		onPeerFault: (peer, reason) => network.stopPeer(peer, reason),
	});
	closers.add("consensus", () => room.stop());
	const network: NetworkRoom = await NetworkRoom.create({
		config,
		world,
		stores,
		state,
		signer,
		room,
		executor,
		mempool,
		evidence,
		signatures,
		logger,
		metrics: metrics ?? noMetrics,
		onFatal: (cause) => life.halt("a message handler failed", cause),
	});
	closers.add("network", () => network.stop());
	await rpc.start({ room, network, mempool, evidence, signer, life });
	closers.add("rpc", () => rpc.stop());
	const metricsAddress = await serveMetrics(config, metrics, logger, closers);
	await network.start();
	life.onTune((changed) => room.tune(changed));
	return life.running({ rpc: rpc.address, p2p: network.address, metrics: metricsAddress, grpc: null });
}

/** The end of a node: asked for, or forced by a failure. */
export class Life {
	readonly #closers: Closers;
	readonly #logger: Logger;
	#stopping: Promise<void> | null = null;
	#failure: { readonly what: string; readonly cause: unknown } | null = null;
	#tune: (config: Config) => void = () => {};
	#ended: (reason: StopReason) => void = () => {};
	readonly stopped: Promise<StopReason> = new Promise((resolve) => {
		this.#ended = resolve;
	});

	constructor(closers: Closers, logger: Logger) {
		this.#closers = closers;
		this.#logger = logger;
	}

	/** What went wrong, for `/health`; null while all is well. */
	get failure(): string | null {
		return this.#failure === null ? null : `${this.#failure.what}: ${messageOf(this.#failure.cause)}`;
	}

	/** Going on could be unsafe: the node stops and says why. */
	halt(what: string, cause: unknown): void {
		if (this.#failure !== null || this.#stopping !== null) return;
		this.#failure = { what, cause };
		const stack = cause instanceof Error && !(cause instanceof CairnError && cause.blame === "operator") ? cause.stack : undefined;
		this.#logger.error("CONSENSUS FAILURE!!!", { what, err: messageOf(cause), stack });
		void this.stop();
	}

	stop(): Promise<void> {
		this.#stopping ??= this.#closers.closeAll().then(() => {
			const failure = this.#failure;
			this.#ended(failure === null ? { reason: "stopped" } : { reason: failure.what, error: failure.cause });
		});
		return this.#stopping;
	}

	onTune(tune: (config: Config) => void): void {
		this.#tune = tune;
	}

	running(addresses: RunningNode["addresses"]): RunningNode {
		return { addresses, stop: () => this.stop(), tune: (config) => this.#tune(config), stopped: this.stopped };
	}
}

/** Keys that name something which this version does not have; better no start than a wrong one. */
function refuseUnbuilt(config: Config): void {
	const refuse = (key: string, why: string): never => {
		throw new CairnError("not-available", "operator", `${config.paths.configFile}: ${key} ${why}`, { key });
	};
	if (config.p2p.libp2p.enabled) refuse("p2p.libp2p.enabled", "is true, but this version speaks TCP only: set it to false");
	if (config.txIndex.indexer === "psql") refuse("tx_index.indexer", 'is "psql", which is not available yet: use "kv" or "null"');
	if (config.statesync.enable) refuse("statesync.enable", "is true, but state sync is not available yet: set it to false");
	if (config.mempool.type === "app") refuse("mempool.type", 'is "app", which is not available yet: use "flood" or "nop"');
	if (config.base.privValidatorLaddr !== "") {
		refuse("priv_validator_laddr", "is set, but remote signers are not available yet: leave it empty");
	}
}

function metricsOf(config: Config, chainId: string): NodeMetrics | null {
	if (!config.instrumentation.prometheus) return null;
	const metrics = createMetrics({ namespace: config.instrumentation.namespace, chainId });
	if (config.cairn.processMetrics) metrics.collectProcess();
	return metrics;
}

async function serveMetrics(config: Config, metrics: NodeMetrics | null, logger: Logger, closers: Closers) {
	if (metrics === null) return null;
	const server = await startMetricsServer({
		address: config.instrumentation.prometheusListenAddr,
		maxRequests: config.instrumentation.maxOpenConnections,
		exposition: () => metrics.exposition(),
		logger: logger.child({ module: "metrics" }),
	});
	closers.add("metrics", () => server.close());
	return server.address;
}

async function openSigner(config: Config, world: World): Promise<FileSigner> {
	const { privValidatorKeyFile: keyFile, privValidatorStateFile: stateFile } = config.paths;
	return FileSigner.loadOrGenerate(world.disk, { keyFile, stateFile }, world.random);
}

function openApplication(config: Config, world: World, logger: Logger, metrics: ExecutorParts["metrics"]): Promise<AppConnections> {
	return appConnections({
		proxyApp: config.base.proxyApp,
		abci: config.base.abci,
		world,
		dataDirectory: config.paths.dbDir,
		builtin: BUILTIN_APPLICATIONS,
		logger: logger.child({ module: "proxy" }),
		metrics,
	});
}

type SharedExecutorParts = Omit<ExecutorParts, "application" | "mempool" | "evidence" | "clock" | "stateStore" | "blockStore">;

/** Executors over the same stores: one for the handshake, without mempool and evidence pool, and the node's own. */
function executorMaker(config: Config, world: World, stores: Stores, shared: SharedExecutorParts) {
	const { stateStore, blockStore } = stores;
	const blockTimeTolerance = BigInt(config.consensus.blockTimeTolerance) * 1_000_000n;
	return (application: ConsensusConnection, mempool: Mempool | null, evidence: EvidencePool | null): Executor =>
		new Executor(
			{ blockTimeTolerance },
			{ ...shared, stateStore, blockStore, clock: world.clock, application, mempool, evidence },
		);
}

function makeMempool(
	{ mempool: config }: Config,
	state: ChainState,
	connections: AppConnections,
	world: World,
	logger: Logger,
	metrics: ExecutorParts["metrics"],
): Mempool {
	const options = {
		size: config.size,
		maxTxsBytes: config.maxTxsBytes,
		maxTxBytes: config.maxTxBytes,
		cacheSize: config.cacheSize,
		keepInvalidTxsInCache: config.keepInvalidTxsInCache,
		recheck: config.recheck,
		recheckTimeoutMs: config.recheckTimeout,
		enabled: config.type !== "nop",
	};
	return new Mempool(options, state.lastBlockHeight, txLimits(state), {
		connection: connections.mempool,
		timers: world.timers,
		logger: logger.child({ module: "mempool" }),
		metrics,
	});
}

/** True if this node alone is the validator set: there is nobody to sync from. */
export function isOnlyValidator(state: ChainState, address: Uint8Array): boolean {
	const [only, ...others] = state.validators.validators;
	return only !== undefined && others.length === 0 && bytesEqual(only.address, address);
}
