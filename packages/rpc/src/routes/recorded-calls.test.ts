import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { RpcServer } from "../server/rpc-server.ts";
import { fetchFrom } from "../testing/http-client.ts";
import { maskAnswer } from "../testing/masked-fields.ts";
import { RecordedNode } from "../testing/recorded-node.ts";
import { CHAIN_NAMES, type ChainName, type RecordedCall, recordedCalls } from "../testing/vectors.ts";

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

/** A recorded network's node 0, asked what it was asked then, at the height it had then. */
class Rehearsal {
	readonly #node: RecordedNode;
	readonly #server: RpcServer;
	readonly #calls: readonly RecordedCall[];
	readonly #host: string;

	constructor(node: RecordedNode, server: RpcServer, calls: readonly RecordedCall[]) {
		this.#node = node;
		this.#server = server;
		this.#calls = calls;
		this.#host = node.environment.network.nodeInfo.other.rpcAddress.replace("tcp://", "");
		// A broadcast that waits for its block gets the next recorded one.
		node.mempool.onTx(() => {
			if (node.subscriptions.clientCount > 0) void node.grow();
		});
	}

	/** The chain grew while it was asked: the answer may be that of any height up to the next one that is known. */
	async check(index: number): Promise<void> {
		const call = this.#calls[index];
		assert.ok(call !== undefined);
		const expected = recordedAnswer(call);
		const rest = this.#calls.slice(index).map(knownHeight);
		const latest = rest.find((height) => height !== null) ?? this.#node.height;
		for (;;) {
			const actual = await this.#ask(call);
			const isSame = actual.body === expected.body;
			if (isSame || this.#node.height >= latest) {
				assert.deepEqual(actual, expected, `${index}: ${call.label}`);
				return;
			}
			await this.#node.grow();
		}
	}

	async #ask(call: RecordedCall): Promise<Answer> {
		const [address = ""] = this.#server.addresses;
		const path = call.path.replaceAll(" ", "%20").replaceAll('"', "%22");
		const { status, headers, body } = await fetchFrom(address, {
			method: call.http_method,
			path,
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

async function rehearse(name: ChainName): Promise<{ rehearsal: Rehearsal; count: number; close: () => Promise<void> }> {
	const node = await RecordedNode.at(name, 1);
	const server = await node.serve();
	const calls = recordedCalls(name);
	return { rehearsal: new Rehearsal(node, server, calls), count: calls.length, close: () => server.close() };
}

describe("recorded calls get CometBFT's answers", () => {
	for (const name of CHAIN_NAMES) {
		test(`${name}: every one in turn`, async () => {
			const { rehearsal, count, close } = await rehearse(name);
			after(close);
			assert.ok(count > 150);
			for (let index = 0; index < count; index++) await rehearsal.check(index);
		});
	}
});
