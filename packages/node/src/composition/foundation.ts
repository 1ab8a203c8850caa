import { type AppConnections, appConnections } from "@cairn/abci";
import { EventBus, type FailPoint } from "@cairn/chain";
import { SignatureCache } from "@cairn/crypto";
import { CairnError, type Logger, type Metrics, noMetrics, type World } from "@cairn/kit";
import { FileSigner } from "@cairn/signer";
import type { Config } from "../config/schema.ts";
import { failPointFromEnvironment } from "../edge/fail-point.ts";
import { createMetrics, type NodeMetrics, startMetricsServer } from "../metrics/index.ts";
import type { StartNodeOptions } from "../running-node.ts";
import { BUILTIN_APPLICATIONS } from "./applications.ts";
import { type Closers, Life } from "./life.ts";
import { openStores, type Stores } from "./stores.ts";

/** Signatures that were verified and may be met again: votes of some heights of a large set. */
const REMEMBERED_SIGNATURES = 16_384;

/** What every room of the node stands on. */
export interface Foundation {
	readonly config: Config;
	readonly world: World;
	readonly logger: Logger;
	readonly metrics: Metrics;
	readonly stores: Stores;
	readonly signer: FileSigner;
	readonly connections: AppConnections;
	readonly events: EventBus;
	readonly signatures: SignatureCache;
	readonly failPoint: FailPoint;
	readonly life: Life;
	readonly closers: Closers;
	/** Address of the metrics server; null without one. */
	readonly metricsAddress: string | null;
}

/** Opens stores, signer and application, and serves the metrics. Everything opened is registered with `closers`. */
export async function layFoundation(options: StartNodeOptions, closers: Closers): Promise<Foundation> {
	const { config, logger, world } = options;
	refuseUnbuilt(config);
	const life = new Life(closers, logger);
	const stores = await openStores(config, world);
	closers.add("stores", () => stores.close());
	const exposed = metricsOf(config, stores.genesis.chainId);
	const metrics = exposed ?? noMetrics;
	const metricsAddress = await serveMetrics(config, exposed, logger, closers);
	const signer = await openSigner(config, world);
	const connections = await openApplication(config, world, logger, metrics);
	closers.add("application", async () => connections.close());
	connections.onError((error) => life.halt("the connection to the application failed", error));
	return {
		config,
		world,
		logger,
		metrics,
		stores,
		signer,
		connections,
		events: new EventBus(),
		signatures: new SignatureCache(REMEMBERED_SIGNATURES),
		failPoint: failPointFromEnvironment(process.env),
		life,
		closers,
		metricsAddress,
	};
}

/** Keys that name something which this version does not have; better no start than a wrong one. */
function refuseUnbuilt(config: Config): void {
	const refuse = (key: string, why: string): never => {
		throw new CairnError("not-available", "operator", `${config.paths.configFile}: ${key} ${why}`, { key });
	};
	if (config.p2p.libp2p.enabled)
		refuse("p2p.libp2p.enabled", "is true, but this version speaks TCP only: set it to false");
	if (config.txIndex.indexer === "psql")
		refuse("tx_index.indexer", 'is "psql", which is not available yet: use "kv" or "null"');
	if (config.statesync.enable)
		refuse("statesync.enable", "is true, but state sync is not available yet: set it to false");
	if (config.mempool.type === "app")
		refuse("mempool.type", 'is "app", which is not available yet: use "flood" or "nop"');
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

function openApplication(config: Config, world: World, logger: Logger, metrics: Metrics): Promise<AppConnections> {
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
