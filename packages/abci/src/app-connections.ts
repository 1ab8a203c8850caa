import { CairnError, type Logger, type Metrics, silentLogger, type World } from "@cairn/kit";
import { type Application, BaseApplication } from "./application.ts";
import {
	type AppConnections,
	grpcConnections,
	localConnections,
	type RemoteOptions,
	socketConnections,
} from "./connections.ts";
import { openKvStore } from "./kvstore/kvstore.ts";
import { timedConnections } from "./timing.ts";

/** What a built-in application gets when it is opened. */
export interface BuiltinContext {
	readonly world: World;
	/** The node's data directory (`db_dir`), for an application that persists. */
	readonly dataDirectory: string;
	readonly logger: Logger;
}

/** Opens a built-in application. */
export type OpenBuiltin = (context: BuiltinContext) => Application | Promise<Application>;

/** The applications of every node, by their name in `proxy_app`. */
export const BUILTIN_APPLICATIONS: Readonly<Record<string, OpenBuiltin>> = {
	kvstore: () => openKvStore(),
	persistent_kvstore: ({ world, dataDirectory, logger }) =>
		openKvStore({ disk: world.disk, path: `${dataDirectory}/kvstore.db`, logger }),
	noop: () => new BaseApplication(),
};

const PER_CONNECTION = "_connsync";

export interface AppConnectionsOptions {
	/** `proxy_app`: the name of a built-in application (also with `_connsync`), or an address. */
	readonly proxyApp: string;
	/** `abci`: how an address is spoken to. */
	readonly abci: "socket" | "grpc";
	readonly world: World;
	readonly dataDirectory: string;
	/** More built-in applications; they win over those of the same name here. */
	readonly builtin?: Readonly<Record<string, OpenBuiltin>>;
	readonly logger?: Logger;
	readonly metrics?: Metrics;
	readonly signal?: AbortSignal;
}

/**
 * The connections that a node's configuration asks for (proxy/client.go, DefaultClientCreator).
 * @throws CairnError `bad-address` for something that is neither a built-in application nor an address
 */
export async function appConnections(options: AppConnectionsOptions): Promise<AppConnections> {
	const connections = await openConnections(options);
	return options.metrics === undefined
		? connections
		: timedConnections(connections, options.metrics, options.world.clock);
}

async function openConnections(options: AppConnectionsOptions): Promise<AppConnections> {
	const { proxyApp, world, dataDirectory, signal } = options;
	const logger = options.logger ?? silentLogger;
	const perConnection = proxyApp.endsWith(PER_CONNECTION);
	const name = perConnection ? proxyApp.slice(0, -PER_CONNECTION.length) : proxyApp;
	const open = { ...BUILTIN_APPLICATIONS, ...options.builtin }[name];
	if (open !== undefined) {
		const application = await open({ world, dataDirectory, logger: logger.child({ module: "app" }) });
		return localConnections(application, { perConnection });
	}
	if (!/^(tcp|unix):\/\/.|:\d+$/.test(proxyApp)) throw unknownApplication(proxyApp, options.builtin ?? {});
	const remote: RemoteOptions = { world, address: proxyApp, logger, ...(signal === undefined ? {} : { signal }) };
	return options.abci === "grpc" ? grpcConnections(remote) : socketConnections(remote);
}

function unknownApplication(proxyApp: string, builtin: Readonly<Record<string, unknown>>): CairnError {
	const names = Object.keys({ ...BUILTIN_APPLICATIONS, ...builtin }).join(", ");
	const text = `proxy_app = "${proxyApp}" is neither an address (tcp://host:port, unix://path) nor one of: ${names}`;
	return new CairnError("bad-address", "operator", text, { proxyApp });
}
