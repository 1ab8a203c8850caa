import type { EvidencePool, ExecutedBlock, Mempool } from "@cairn/chain";
import { CairnError } from "@cairn/kit";
import {
	Dispatcher,
	IndexerService,
	type RpcEnvironment,
	type RpcServer,
	routeTable,
	type ServerOptions,
	Subscriptions,
	startRpcServer,
} from "@cairn/rpc";
import { EventIndex } from "@cairn/storage";
import { splitList } from "../config/index.ts";
import type { Config } from "../config/schema.ts";
import type { ConsensusRoom } from "./consensus-room.ts";
import type { Foundation } from "./foundation.ts";
import type { NetworkRoom } from "./network-room.ts";

/** Rooms that exist only once the chain is open. */
export interface RpcSources {
	readonly mempool: Mempool;
	readonly evidence: EvidencePool;
	readonly room: ConsensusRoom;
	readonly network: NetworkRoom;
}

/** The index of transactions and blocks, and the server that answers questions about everything. */
export class RpcRoom {
	readonly #foundation: Foundation;
	#index: EventIndex | null = null;
	#indexer: IndexerService | null = null;
	#closeIndex: () => Promise<void> = async () => {};
	#server: RpcServer | null = null;

	constructor(foundation: Foundation) {
		this.#foundation = foundation;
	}

	/** The first address it listens at; null without RPC. */
	get address(): string | null {
		return this.#server?.addresses[0] ?? null;
	}

	/** Opens the index where the configuration asks for one; blocks of the handshake's replay go into it already. */
	async openIndex(): Promise<void> {
		const { config, world, logger, life } = this.#foundation;
		if (config.txIndex.indexer !== "kv") return;
		const store = await world.disk.openStore(`${config.paths.dbDir}/tx_index.db`);
		this.#index = EventIndex.open(store);
		this.#indexer = new IndexerService({
			index: this.#index,
			logger: logger.child({ module: "txindex" }),
			onFatal: (cause) => life.halt("the index cannot be written", cause),
		});
		this.#closeIndex = async () => {
			await this.#indexer?.settled();
			await store.close();
		};
		await this.#indexer.catchUp(this.#foundation.stores);
	}

	closeIndex(): Promise<void> {
		return this.#closeIndex();
	}

	/** Takes an executed block; a promise when so many wait that execution has to wait too. */
	index(executed: ExecutedBlock): Promise<void> | undefined {
		return this.#indexer?.add(executed);
	}

	async start(sources: RpcSources): Promise<void> {
		const { config, world, events, logger } = this.#foundation;
		const options = await this.#serverOptions(config);
		if (options.addresses.length === 0) return;
		const subscriptions = new Subscriptions(events, world.timers);
		const dispatcher = new Dispatcher(routeTable(config.rpc.unsafe), this.#environment(sources, subscriptions), {
			maxBatchSize: config.rpc.maxRequestBatchSize,
		});
		const log = logger.child({ module: "rpc-server" });
		this.#server = await startRpcServer(options, { dispatcher, subscriptions, logger: log });
	}

	async stop(): Promise<void> {
		await this.#server?.close();
	}

	#environment({ mempool, evidence, room, network }: RpcSources, subscriptions: Subscriptions): RpcEnvironment {
		const { config, stores, connections, signer, world, logger, life } = this.#foundation;
		return {
			blockStore: stores.blockStore,
			stateStore: stores.stateStore,
			index: this.#index,
			mempool,
			evidence,
			application: connections,
			genesis: stores.genesis,
			consensus: {
				roundState: () => (room.running ? room.engine.gossip() : null),
				bodies: room.assembler,
				peerStates: () => network.consensus.peerStates(),
			},
			network: networkView(network, config),
			subscriptions,
			validatorKey: signer.publicKey,
			isSyncing: () => network.syncing,
			trouble: () => life.failure,
			limits: {
				maxSubscriptionClients: config.rpc.maxSubscriptionClients,
				maxSubscriptionsPerClient: config.rpc.maxSubscriptionsPerClient,
				timeoutBroadcastTxCommit: config.rpc.timeoutBroadcastTxCommit,
			},
			timers: world.timers,
			logger: logger.child({ module: "rpc" }),
		};
	}

	async #serverOptions({ rpc, paths }: Config): Promise<ServerOptions> {
		return {
			addresses: splitList(rpc.laddr),
			maxOpenConnections: rpc.maxOpenConnections,
			maxBodyBytes: rpc.maxBodyBytes,
			maxHeaderBytes: rpc.maxHeaderBytes,
			corsAllowedOrigins: rpc.corsAllowedOrigins,
			corsAllowedMethods: rpc.corsAllowedMethods,
			corsAllowedHeaders: rpc.corsAllowedHeaders,
			timeoutBroadcastTxCommit: rpc.timeoutBroadcastTxCommit,
			subscriptionBufferSize: rpc.experimentalSubscriptionBufferSize,
			websocketWriteBufferSize: rpc.experimentalWebsocketWriteBufferSize,
			closeOnSlowClient: rpc.experimentalCloseOnSlowClient,
			tls: await this.#tls(paths),
		};
	}

	async #tls({ tlsCertFile, tlsKeyFile }: Config["paths"]): Promise<ServerOptions["tls"]> {
		if (tlsCertFile === null || tlsKeyFile === null) return null;
		return { cert: await this.#textOf(tlsCertFile), key: await this.#textOf(tlsKeyFile) };
	}

	async #textOf(path: string): Promise<string> {
		const bytes = await this.#foundation.world.disk.read(path);
		if (bytes !== undefined) return new TextDecoder().decode(bytes);
		const text = `${path} does not exist: rpc.tls_cert_file and rpc.tls_key_file must name PEM files in the config folder`;
		throw new CairnError("no-tls-file", "operator", text, { path });
	}
}

function networkView({ switchboard, nodeInfo }: NetworkRoom, config: Config): RpcEnvironment["network"] {
	return {
		nodeInfo,
		externalAddress: config.p2p.externalAddress,
		get isListening() {
			return switchboard.isListening;
		},
		get peers() {
			return switchboard.peers;
		},
		dialPeers: (addresses, options) => switchboard.dialPeers(addresses, options),
	};
}
