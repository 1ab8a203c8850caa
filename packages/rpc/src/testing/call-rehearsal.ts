// Asks a recorded node what it was asked; holds no tests itself.
import assert from "node:assert/strict";
import type { RpcServer } from "../server/rpc-server.ts";
import { fetchFrom } from "./http-client.ts";
import { maskAnswer } from "./masked-fields.ts";
import { RecordedNode } from "./recorded-node.ts";
import type { RecordedCall, Recording } from "./recording.ts";

/** What is compared of an answer. */
interface Answer {
	readonly status: number;
	readonly type: string | null;
	readonly cacheControl: string | null;
	readonly body: string;
}

function routeOf({ path, request_body: body }: RecordedCall): string {
	const name = path.split("?")[0]?.slice(1) ?? "";
	return name !== "" ? name : (/"method":"(\w+)"/.exec(body ?? "")?.[1] ?? "");
}

function recordedAnswer(call: RecordedCall): Answer {
	const { status, content_type: type, cache_control: cacheControl } = call;
	return { status, type, cacheControl, body: maskAnswer(routeOf(call), call.body) };
}

/** Height at which the recorded node certainly was when it answered. */
function knownHeight({ label, body }: RecordedCall): number | null {
	const found = label.startsWith("status")
		? /"latest_block_height":"(\d+)"/.exec(body)
		: label.startsWith("block bad height")
			? /current blockchain height (\d+)/.exec(body)
			: null;
	return found === null ? null : Number(found[1]);
}

/** Node 0 of a recorded network, asked over a real socket what it was asked then, at the height it had then. */
export class CallRehearsal {
	readonly calls: readonly RecordedCall[];
	readonly #node: RecordedNode;
	readonly #server: RpcServer;
	readonly #host: string;

	private constructor(node: RecordedNode, server: RpcServer, calls: readonly RecordedCall[]) {
		this.#node = node;
		this.#server = server;
		this.calls = calls;
		// The page of links repeats the host it was asked under.
		this.#host = node.environment.network.nodeInfo.other.rpcAddress.replace("tcp://", "");
		// A broadcast that waits for its block gets the next recorded one.
		node.mempool.onTx(() => {
			if (node.subscriptions.clientCount > 0) void node.grow();
		});
	}

	static async open(recording: Recording): Promise<CallRehearsal> {
		const node = await RecordedNode.at(recording, 1);
		return new CallRehearsal(node, await node.serve(), recording.calls);
	}

	close(): Promise<void> {
		return this.#server.close();
	}

	/**
	 * Makes the next call; they have to be made in turn. The chain grew while the real node was asked, so the answer may be
	 * that of any height up to the next one that is known. @throws AssertionError
	 */
	async check(index: number): Promise<void> {
		const call = this.calls[index];
		assert.ok(call !== undefined);
		const expected = recordedAnswer(call);
		const rest = this.calls.slice(index).map(knownHeight);
		const latest = rest.find((height) => height !== null) ?? this.#node.height;
		for (;;) {
			const actual = await this.#ask(call);
			if (actual.body === expected.body || this.#node.height >= latest) {
				assert.deepEqual(actual, expected, `${index}: ${call.label}`);
				return;
			}
			await this.#node.grow();
		}
	}

	async #ask(call: RecordedCall): Promise<Answer> {
		const [address = ""] = this.#server.addresses;
		const { status, headers, body } = await fetchFrom(address, {
			method: call.http_method,
			path: call.path.replaceAll(" ", "%20").replaceAll('"', "%22"),
			body: call.request_body,
			headers: { host: this.#host },
		});
		assert.match(String(headers["x-server-time"]), /^\d{10,}$/);
		return {
			status,
			type: headers["content-type"] === undefined ? null : String(headers["content-type"]),
			cacheControl: headers["cache-control"] === undefined ? null : String(headers["cache-control"]),
			body: maskAnswer(routeOf(call), body),
		};
	}
}
