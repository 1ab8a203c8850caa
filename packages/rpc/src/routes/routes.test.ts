import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { CairnError, fromHex, ValidationError } from "@cairn/kit";
import type { DialOptions, Switchboard } from "@cairn/network";
import { BlockStore, StateStore } from "@cairn/storage";
import { blockHash, blockIdKey, blockToPartSet, decodeEvidence, type Evidence, genesisState } from "@cairn/types";
import { MemoryStore } from "@cairn/world";
import type { RpcEnvironment } from "../environment.ts";
import { jsonEvidence } from "../json/evidence.ts";
import { ask } from "../testing/ask.ts";
import { GO_JSON_CASES } from "../testing/go-json-cases.ts";
import { RecordedNode } from "../testing/recorded-node.ts";
import { recording } from "../testing/vectors.ts";
import { pageOf, perPageOf } from "./pages.ts";
import { ROUTES, routeTable } from "./table.ts";

let node: RecordedNode;
let environment: RpcEnvironment;

before(async () => {
	node = await RecordedNode.at(recording("single"), 40);
	environment = node.environment;
});

/** The result of a call that has to succeed. */
async function result<T>(method: string, params: object = {}, change: Partial<RpcEnvironment> = {}): Promise<T> {
	const outcome = await ask({ ...environment, ...change }, method, params);
	assert.ok("result" in outcome, JSON.stringify(outcome));
	return outcome.result as T;
}

/** Why a call fails. */
async function fault(method: string, params: object = {}, change: Partial<RpcEnvironment> = {}): Promise<string> {
	const outcome = await ask({ ...environment, ...change }, method, params);
	assert.ok("fault" in outcome, JSON.stringify(outcome).slice(0, 200));
	return outcome.fault;
}

describe("the table", () => {
	test("has CometBFT's routes and no others", () => {
		// rpc/core/routes.go
		const expected =
			"subscribe unsubscribe unsubscribe_all health status net_info blockchain genesis genesis_chunked block " +
			"block_by_hash block_results commit header header_by_hash check_tx tx tx_search block_search validators " +
			"dump_consensus_state consensus_state consensus_params unconfirmed_txs num_unconfirmed_txs " +
			"broadcast_tx_commit broadcast_tx_sync broadcast_tx_async abci_query abci_info broadcast_evidence";
		const unsafe = "dial_seeds dial_peers unsafe_flush_mempool";
		assert.deepEqual([...routeTable(false).keys()].sort(), expected.split(" ").sort());
		assert.deepEqual([...routeTable(true).keys()].sort(), `${expected} ${unsafe}`.split(" ").sort());
		assert.equal(new Set(ROUTES.map(({ name }) => name)).size, ROUTES.length);
	});
});

describe("pages", () => {
	test("are within the list, and a list without items has one", () => {
		assert.deepEqual(pageOf(null, null, 100), { start: 0, end: 30 });
		assert.deepEqual(pageOf(4n, null, 100), { start: 90, end: 100 });
		assert.deepEqual(pageOf(1n, 5n, 0), { start: 0, end: 0 });
		assert.deepEqual(pageOf(1n, 1000n, 250), { start: 0, end: 100 });
		assert.equal(perPageOf(-1n), 30);
		assert.equal(perPageOf(2n ** 63n - 1n), 100);
		for (const page of [0n, -1n, 5n, 2n ** 63n - 1n]) {
			assert.throws(() => pageOf(page, null, 100), {
				message: `page should be within [1, 4] range, given ${page}`,
			});
		}
	});
});

describe("blocks", () => {
	test("headers: at most twenty, the highest first, never below the first", async () => {
		const heights = async (minHeight: string, maxHeight: string): Promise<string[]> => {
			const { block_metas: metas } = await result<{ block_metas: { header: { height: string } }[] }>("blockchain", {
				minHeight,
				maxHeight,
			});
			return metas.map(({ header }) => header.height);
		};
		assert.deepEqual(await heights("3", "5"), ["5", "4", "3"]);
		assert.deepEqual(await heights("0", "2"), ["2", "1"]);
		const latest = await heights("0", "0");
		assert.deepEqual([latest.length, latest[0], latest[19]], [20, "40", "21"]);
		assert.deepEqual((await heights("1", "9223372036854775807")).length, 20);
		assert.equal(
			await fault("blockchain", { minHeight: "41", maxHeight: "50" }),
			"min height 41 can't be greater than max height 40",
		);
		assert.equal(await fault("blockchain", { minHeight: "-1" }), "heights must be non-negative");
	});

	test("the commit of the last block is not settled, that of others is", async () => {
		type Answer = { canonical: boolean; signed_header: { commit: { height: string } } };
		const last = await result<Answer>("commit");
		assert.deepEqual([last.canonical, last.signed_header.commit.height], [false, "40"]);
		const other = await result<Answer>("commit", { height: "39" });
		assert.deepEqual([other.canonical, other.signed_header.commit.height], [true, "39"]);
	});

	test("what is not there is null, or said", async () => {
		const hash = Buffer.alloc(32).toString("base64");
		const none = { block_id: { hash: "", parts: { total: 0, hash: "" } }, block: null };
		assert.deepEqual(await result("block_by_hash", { hash }), none);
		assert.deepEqual(await result("header_by_hash", { hash: "00".repeat(32) }), { header: null });
		const blockStore = BlockStore.open(new MemoryStore());
		assert.deepEqual(await result("block", {}, { blockStore }), none);
		assert.deepEqual(await result("header", {}, { blockStore }), { header: null });
		assert.equal(await result("commit", {}, { blockStore }), null);
		assert.equal(await fault("block_results", {}, { blockStore }), "could not find results for height #0");
		const states = StateStore.open(new MemoryStore());
		const change = { stateStore: states };
		assert.equal(await fault("validators", {}, change), "could not find validator set for height #41");
		assert.equal(await fault("consensus_params", {}, change), "could not find consensus params for height #41");
		const discarding = StateStore.open(new MemoryStore(), { discardResponses: true });
		const text = "node is not persisting finalize block responses";
		assert.equal(await fault("block_results", {}, { stateStore: discarding }), text);
	});

	test("pruned heights name the lowest one", async () => {
		const pruned = await RecordedNode.at(recording("short"), 6);
		const state = pruned.stateStore.load();
		assert.ok(state !== null);
		await pruned.blockStore.pruneBlocks(4, state);
		assert.deepEqual(await ask(pruned.environment, "block", { height: "3" }), {
			fault: "height 3 is not available, lowest height is 4",
		});
		const { result: status } = (await ask(pruned.environment, "status")) as {
			result: { sync_info: { earliest_block_height: string } };
		};
		assert.equal(status.sync_info.earliest_block_height, "4");
		const { result: chain } = (await ask(pruned.environment, "blockchain")) as { result: { block_metas: unknown[] } };
		assert.equal(chain.block_metas.length, 3);
	});

	test("a node without blocks and without a validator key has a status", async () => {
		const stateStore = StateStore.open(new MemoryStore());
		await stateStore.save(genesisState(node.genesis));
		type Status = { sync_info: Record<string, unknown>; validator_info: unknown };
		const change = { blockStore: BlockStore.open(new MemoryStore()), stateStore };
		const { sync_info: sync, validator_info: own } = await result<Status>("status", {}, change);
		assert.deepEqual(
			[sync.latest_block_height, sync.latest_block_time, sync.earliest_block_hash],
			["0", "1970-01-01T00:00:00Z", ""],
		);
		assert.equal((own as { voting_power: string }).voting_power, "10");
		const without = await result<Status>("status", {}, { validatorKey: null });
		assert.deepEqual(without.validator_info, { address: "", pub_key: null, voting_power: "0" });
	});
});

describe("genesis", () => {
	test("documents beyond 16 MiB are handed out in pieces only", async () => {
		const appState = `{"a":"${"x".repeat(17 * 1024 * 1024)}"}`;
		const genesis = { ...node.genesis, appState };
		const text = "genesis response is large, please use the genesis_chunked API instead";
		assert.equal(await fault("genesis", {}, { genesis }), text);
		type Chunk = { chunk: string; total: string; data: string };
		const chunks = [
			await result<Chunk>("genesis_chunked", { chunk: "0" }, { genesis }),
			await result<Chunk>("genesis_chunked", { chunk: "1" }, { genesis }),
		];
		assert.deepEqual(
			chunks.map(({ chunk, total }) => [chunk, total]),
			[
				["0", "2"],
				["1", "2"],
			],
		);
		const whole = Buffer.concat(chunks.map(({ data }) => Buffer.from(data, "base64"))).toString();
		assert.equal(JSON.stringify(JSON.parse(whole).app_state), appState);
		assert.equal(await fault("genesis_chunked", { chunk: "2" }, { genesis }), "there are 1 chunks, 2 is invalid");
	});
});

describe("searching", () => {
	test("without an index", async () => {
		const change = { index: null };
		const hash = Buffer.alloc(32).toString("base64");
		assert.equal(await fault("tx", { hash }, change), "transaction indexing is disabled");
		assert.equal(await fault("tx_search", { query: "a=1" }, change), "transaction indexing is disabled");
		assert.equal(await fault("block_search", { query: "a=1" }, change), "block indexing is disabled");
	});

	test("queries are bounded", async () => {
		const query = `a.b='${"é".repeat(254)}'`;
		for (const method of ["tx_search", "block_search"]) {
			assert.equal(await fault(method, { query }), "maximum query length exceeded");
		}
	});

	test("results come in order, page by page, without gaps", async () => {
		type Found = { txs: { height: string; index: number }[]; total_count: string };
		const all: string[] = [];
		for (let page = 1; ; page++) {
			const params = { query: "tx.height > 0", per_page: "7", page: String(page), order_by: "desc" };
			const { txs, total_count: total } = await result<Found>("tx_search", params);
			all.push(...txs.map(({ height, index }) => `${height}/${index}`));
			if (all.length >= Number(total)) break;
		}
		const { txs } = await result<Found>("tx_search", { query: "tx.height > 0", per_page: "100" });
		assert.deepEqual(all.slice(-txs.length), txs.map(({ height, index }) => `${height}/${index}`).reverse());
		assert.equal(new Set(all).size, all.length);
	});

	test("a client that has gone is not searched for on", async () => {
		let looks = 0;
		const context = {
			client: "",
			listen: null,
			isGone: () => ++looks > 3,
			onGone: () => () => {},
		};
		await ask(environment, "tx_search", { query: "app.key EXISTS" }, context);
		assert.ok(looks > 3 && looks < 10, `asked ${looks} times`);
	});
});

describe("consensus state", () => {
	test("shows proposal, lock and parts of the blocks that are being decided", async () => {
		const view = environment.consensus.roundState();
		const block = node.blockStore.loadBlock(40);
		assert.ok(view !== null && block !== null);
		const parts = blockToPartSet(block);
		const id = { hash: blockHash(block), partSetHeader: parts.header };
		const key = blockIdKey(id);
		const proposal = { height: 41, round: 2, polRound: -1, blockId: id, timestamp: 1n, signature: Uint8Array.of(1) };
		const change: Partial<RpcEnvironment> = {
			consensus: {
				...environment.consensus,
				roundState: () => ({
					...view,
					round: 2,
					proposal,
					proposalBlock: key,
					wantedParts: parts.header,
					lockedRound: 1,
					lockedBlock: key,
					validRound: 1,
					validBlock: key,
					commitTime: null,
				}),
				bodies: { block: () => block, parts: () => parts },
			},
		};
		type Dump = { round_state: Record<string, unknown> };
		const { round_state: dump } = await result<Dump>("dump_consensus_state", {}, change);
		const shown = { "count/total": "1/1", parts_bit_array: "x" };
		assert.deepEqual(dump.proposal_block_parts, shown);
		assert.deepEqual(dump.locked_block_parts, shown);
		assert.deepEqual(dump.valid_block_parts, shown);
		const { block: stored } = await result<{ block: unknown }>("block", { height: "40" });
		assert.deepEqual(dump.proposal_block, stored);
		assert.deepEqual(dump.locked_block, stored);
		assert.equal((dump.proposal as { Type: number }).Type, 32);
		const { round_state: short } = await result<Dump>("consensus_state", {}, change);
		const hash = Buffer.from(id.hash).toString("hex").toUpperCase();
		assert.deepEqual(
			[short["height/round/step"], short.proposal_block_hash, short.locked_block_hash, short.valid_block_hash],
			["41/2/1", hash, hash, hash],
		);
	});

	test("is not there before consensus has started", async () => {
		const change = { consensus: { ...environment.consensus, roundState: () => null } };
		assert.equal(await fault("dump_consensus_state", {}, change), "consensus has not started yet");
		assert.equal(await fault("consensus_state", {}, change), "consensus has not started yet");
	});
});

describe("evidence", () => {
	const [duplicateVote = ""] = GO_JSON_CASES.filter(({ kind }) => kind === "evidence").map(({ hex }) => hex);
	const evidence = decodeEvidence(fromHex(duplicateVote));
	const params = { evidence: JSON.parse(jsonEvidence(evidence)) as object };

	test("is taken to the pool and answered with its hash", async () => {
		const added: Evidence[] = [];
		const pool = { add: async (each: Evidence) => void added.push(each) };
		const { hash } = await result<{ hash: string }>("broadcast_evidence", params, { evidence: pool });
		assert.equal(Buffer.from(hash, "base64").length, 32);
		assert.deepEqual(added, [evidence]);
	});

	test("that is malformed or not believed is refused", async () => {
		const swapped = structuredClone(params) as { evidence: { value: { vote_a: unknown; vote_b: unknown } } };
		const { value } = swapped.evidence;
		[value.vote_a, value.vote_b] = [value.vote_b, value.vote_a];
		assert.match(await fault("broadcast_evidence", swapped), /^evidence\.ValidateBasic failed: /);
		const refusing = {
			add: async (): Promise<never> => {
				throw new ValidationError("address does not match");
			},
		};
		const text = "failed to add evidence: address does not match";
		assert.equal(await fault("broadcast_evidence", params, { evidence: refusing }), text);
	});
});

describe("peers", () => {
	const dialled: (readonly [readonly string[], DialOptions])[] = [];
	const dialPeers: Switchboard["dialPeers"] = (addresses, options = {}) => {
		if (addresses.includes("bad@x")) throw new CairnError("p2p-malformed-address", "operator", "bad@x: no port");
		dialled.push([addresses, options]);
	};
	const change = (): Partial<RpcEnvironment> => ({ network: { ...environment.network, dialPeers } });

	test("are dialled as the operator says", async () => {
		const log = { log: "Dialing peers in progress. See /net_info for details" };
		const peers = ["id@127.0.0.1:1"];
		assert.deepEqual(await result("dial_peers", { peers, persistent: true, private: true }, change()), log);
		assert.match((await result<{ log: string }>("dial_seeds", { seeds: peers }, change())).log, /^Dialing seeds/);
		assert.deepEqual(dialled, [
			[peers, { persistent: true, unconditional: false, private: true }],
			[peers, {}],
		]);
	});

	test("need addresses with an id", async () => {
		assert.equal(await fault("dial_peers", {}, change()), "no peers provided");
		assert.equal(await fault("dial_seeds", { seeds: [] }, change()), "no seeds provided");
		assert.equal(await fault("dial_peers", { peers: ["a:1"] }, change()), "address (a:1) does not contain ID");
		assert.equal(await fault("dial_peers", { peers: ["bad@x"] }, change()), "bad@x: no port");
	});
});

test("an application that does not answer is said to", async () => {
	const refuse = async (): Promise<never> => {
		throw new CairnError("abci-closed", "app", "connection closed");
	};
	const application = {
		...environment.application,
		query: { ...environment.application.query, info: refuse, query: refuse },
	};
	assert.equal(await fault("abci_info", {}, { application }), "connection closed");
	assert.equal(await fault("abci_query", { data: "00" }, { application }), "connection closed");
});
