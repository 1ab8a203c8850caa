import type { Application } from "./application.ts";
import type { CallQueue } from "./call-queue.ts";
import { type AbciClient, clientOf, type Transport } from "./client.ts";
import { closedError, exceptionError } from "./errors.ts";
import type { Answer, Kind, Method, RequestOf, ResponseOf } from "./methods.ts";

type Handlers = { readonly [M in Method]: (request: RequestOf<M>) => Answer<ResponseOf<M>> };

/**
 * Calls an application's method; Echo and Flush are answered here. Throws what the application throws: callers turn it
 * into an AbciError or an exception response.
 */
export function dispatch<K extends Kind>(
	application: Application,
	kind: K,
	request: RequestOf<K>,
): Answer<ResponseOf<K>> {
	if (kind === "echo") return { message: (request as RequestOf<"echo">).message } as ResponseOf<K>;
	if (kind === "flush") return {} as ResponseOf<K>;
	const handlers: Handlers = application;
	// One member of the mapped type, chosen by `kind`; TypeScript loses that after the two cases above.
	return handlers[kind as Method](request as never) as Answer<ResponseOf<K>>;
}

/** Makes a call in its turn; whoever serves an application uses this. Rejects with what the application throws. */
export function serve<K extends Kind>(
	application: Application,
	queue: CallQueue,
	kind: K,
	request: RequestOf<K>,
): Promise<ResponseOf<K>> {
	return isUnlocked(kind)
		? invoke(() => dispatch(application, kind, request))
		: queue.run(() => dispatch(application, kind, request));
}

/** Calls that an application takes while another runs (CometBFT's local client does not lock for them either). */
function isUnlocked(kind: Kind): boolean {
	return kind === "insertTx" || kind === "reapTxs" || kind === "echo";
}

class LocalTransport implements Transport {
	readonly #application: Application;
	readonly #queue: CallQueue;
	#closed = false;

	constructor(application: Application, queue: CallQueue) {
		this.#application = application;
		this.#queue = queue;
	}

	call<K extends Kind>(kind: K, request: RequestOf<K>): Promise<ResponseOf<K>> {
		if (this.#closed) return Promise.reject(closedError());
		return serve(this.#application, this.#queue, kind, request).catch((cause: unknown) => {
			throw exceptionError(kind, cause);
		});
	}

	/** Never calls back: an application in this process cannot be lost. */
	onError(): void {}

	async close(): Promise<void> {
		this.#closed = true;
	}
}

async function invoke<T>(call: () => Answer<T>): Promise<T> {
	return call();
}

/** A connection to an application in this process; clients that share a queue never call it at the same time. */
export function localClient(application: Application, queue: CallQueue): AbciClient {
	return clientOf(new LocalTransport(application, queue));
}
