import { type Clock, type Logger, silentLogger, type World } from "@cairn/kit";
import type { Codec } from "@cairn/types/proto";
import { Client, connectivityState, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { type AbciClient, clientOf, type Transport } from "../client.ts";
import { type AbciError, closedError, exceptionError, lostError, unreachableError } from "../errors.ts";
import { FailureListeners } from "../listeners.ts";
import { type Kind, METHODS, type RequestOf, type ResponseOf } from "../methods.ts";
import { pause } from "../pause.ts";
import { grpcTarget } from "./address.ts";
import { decodeWith, encodeWith, GRPC_MESSAGE_OPTIONS, grpcPath } from "./service.ts";

export interface GrpcClientOptions {
	/** `host:port`, `tcp://host:port` or `unix://path`. */
	readonly address: string;
	readonly world: Pick<World, "clock" | "timers">;
	readonly logger?: Logger;
	/** Gives up waiting for the application when aborted. */
	readonly signal?: AbortSignal;
}

/** How long one attempt to reach the application takes before the wait is logged. */
const ATTEMPT_MS = 3000;
/** Pause after an attempt (CometBFT: echoRetryIntervalSeconds). */
const RETRY_MS = 1000;
/** Statuses that say "the application is not there", not "it refused". */
const LOST: ReadonlySet<number> = new Set([status.UNAVAILABLE, status.CANCELLED]);
/**
 * grpc-js closes a connection after so long without calls (its longest timer). An end that comes sooner means that the
 * application went away.
 */
const IDLE_TIMEOUT_MS = 2 ** 31 - 1;
const READY_AT_ONCE = new Metadata();
const WAIT_FOR_READY = new Metadata({ waitForReady: true });

/**
 * A connection over gRPC. `checkTx` and `flush` keep their order by going one after the other, as CometBFT's client does:
 * HTTP/2 promises nothing about the order in which parallel calls arrive. Everything else runs in parallel. An exception
 * of the application fails its call only; a lost connection fails the client, even if the application comes back, since
 * it may have come back with another state.
 */
class GrpcTransport implements Transport {
	readonly #client: Client;
	readonly #address: string;
	readonly #clock: Clock;
	readonly #listeners = new FailureListeners();
	#failure: AbciError | undefined;
	#ordered: Promise<unknown> = Promise.resolve();
	#lastCallAt: number;

	constructor(client: Client, address: string, clock: Clock) {
		this.#client = client;
		this.#address = address;
		this.#clock = clock;
		this.#lastCallAt = clock.mono();
		this.#watch();
	}

	call<K extends Kind>(kind: K, request: RequestOf<K>): Promise<ResponseOf<K>> {
		if (this.#failure !== undefined) return Promise.reject(this.#failure);
		if (kind !== "checkTx" && kind !== "flush") return this.#call(kind, request);
		const answer = this.#ordered.then(() => this.#call(kind, request));
		this.#ordered = answer.catch(() => {});
		return answer;
	}

	onError(callback: (error: AbciError) => void): void {
		this.#listeners.add(callback);
	}

	async close(): Promise<void> {
		this.#failure ??= closedError();
		this.#client.close();
	}

	async #call<K extends Kind>(kind: K, request: RequestOf<K>): Promise<ResponseOf<K>> {
		if (this.#failure !== undefined) throw this.#failure;
		this.#lastCallAt = this.#clock.mono();
		try {
			return await unary(this.#client, kind, request, READY_AT_ONCE);
		} catch (cause) {
			const { code, details } = cause as ServiceError;
			if (this.#failure !== undefined) throw this.#failure;
			if (!LOST.has(code)) throw exceptionError(kind, new Error(details), { address: this.#address, status: code });
			throw this.#fail(lostError(this.#address, new Error(details)));
		}
	}

	#fail(error: AbciError): AbciError {
		if (this.#failure !== undefined) return this.#failure;
		this.#failure = error;
		this.#client.close();
		this.#listeners.fail(error);
		return error;
	}

	/** Notices a connection that ends while nobody calls. */
	#watch(): void {
		const channel = this.#client.getChannel();
		const state = channel.getConnectivityState(false);
		channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, () => {
			if (this.#failure !== undefined) return;
			const now = channel.getConnectivityState(false);
			const wasIdle = this.#clock.mono() - this.#lastCallAt >= IDLE_TIMEOUT_MS / 2;
			if (state === connectivityState.READY && now !== connectivityState.READY && !wasIdle) {
				this.#fail(lostError(this.#address, undefined));
			} else this.#watch();
		});
	}
}

function unary<K extends Kind>(
	client: Client,
	kind: K,
	request: RequestOf<K>,
	metadata: Metadata,
	deadline?: number,
): Promise<ResponseOf<K>> {
	const method = METHODS[kind];
	const serialize = encodeWith(method.request as Codec<RequestOf<K>>);
	const deserialize = decodeWith(method.response as Codec<ResponseOf<K>>);
	const options = deadline === undefined ? {} : { deadline };
	return new Promise((resolve, reject) => {
		client.makeUnaryRequest(grpcPath(kind), serialize, deserialize, request, metadata, options, (error, value) => {
			if (error === null && value !== undefined) resolve(value);
			else reject(error);
		});
	});
}

/**
 * Connects to an application that serves gRPC and waits, for ever, until it answers an Echo.
 * @throws CairnError `bad-address`; AbciError `abci-unreachable` when the wait was aborted
 */
export async function connectGrpc(options: GrpcClientOptions): Promise<AbciClient> {
	const { address, signal } = options;
	const { clock, timers } = options.world;
	const logger = options.logger ?? silentLogger;
	const client = new Client(grpcTarget(address), credentials.createInsecure(), {
		...GRPC_MESSAGE_OPTIONS,
		"grpc.client_idle_timeout_ms": IDLE_TIMEOUT_MS,
		"grpc.max_reconnect_backoff_ms": ATTEMPT_MS,
		// Each client has a connection of its own, as each of CometBFT's.
		"grpc.use_local_subchannel_pool": 1,
	});
	const onAbort = (): void => client.close();
	signal?.addEventListener("abort", onAbort, { once: true });
	try {
		for (;;) {
			if (signal?.aborted === true) {
				client.close();
				throw unreachableError(address);
			}
			try {
				const deadline = Number(clock.wall() / 1_000_000n) + ATTEMPT_MS;
				await unary(client, "echo", { message: "hello" }, WAIT_FOR_READY, deadline);
				return clientOf(new GrpcTransport(client, address, clock));
			} catch (cause) {
				const { details } = cause as ServiceError;
				logger.error("the application does not answer yet; trying again", { address, error: details });
				await pause(timers, RETRY_MS, signal);
			}
		}
	} finally {
		signal?.removeEventListener("abort", onAbort);
	}
}
