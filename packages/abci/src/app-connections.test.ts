import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Histogram, type Labels, type Metrics, noMetrics, utf8 } from "@cairn/kit";
import { abci } from "@cairn/types/proto";
import { memoryWorld } from "@cairn/world";
import { appConnections } from "./app-connections.ts";
import { BaseApplication } from "./application.ts";
import { openKvStore } from "./kvstore/kvstore.ts";
import { serveSocket } from "./socket/server.ts";

const world = () => memoryWorld({ seed: 1 });
const common = () => ({ abci: "socket", dataDirectory: "data", world: world() }) as const;

describe("appConnections", () => {
	it("opens the built-in applications by name", async () => {
		for (const proxyApp of ["kvstore", "kvstore_connsync", "persistent_kvstore", "persistent_kvstore_connsync"]) {
			const options = common();
			const connections = await appConnections({ ...options, proxyApp });
			const info = await connections.query.info(abci.RequestInfo.create());
			assert.equal(info.data, '{"size":0}');
			await connections.consensus.finalizeBlock(abci.RequestFinalizeBlock.create({ txs: [utf8("a=b")], height: 1n }));
			await connections.consensus.commit({});
			await connections.close();
			const reopened = await appConnections({ ...options, proxyApp });
			const { lastBlockHeight } = await reopened.query.info(abci.RequestInfo.create());
			assert.equal(lastBlockHeight, proxyApp.startsWith("persistent") ? 1n : 0n);
			await reopened.close();
		}
	});

	it("noop accepts everything", async () => {
		const { consensus, mempool } = await appConnections({ ...common(), proxyApp: "noop" });
		assert.equal((await mempool.checkTx(abci.RequestCheckTx.create({ tx: utf8("anything") }))).code, 0);
		const txs = [utf8("12345"), utf8("67890"), utf8("x")];
		const made = await consensus.prepareProposal(abci.RequestPrepareProposal.create({ txs, maxTxBytes: 10n }));
		assert.deepEqual(made.txs, txs.slice(0, 2));
		const done = await consensus.finalizeBlock(abci.RequestFinalizeBlock.create({ txs, height: 1n }));
		assert.deepEqual(
			done.txResults.map((result) => result.code),
			[0, 0, 0],
		);
	});

	it("takes more built-in applications from the node", async () => {
		class Mine extends BaseApplication {
			override info(): abci.ResponseInfo {
				return abci.ResponseInfo.create({ data: "mine" });
			}
		}
		const builtin = { depin: () => new Mine() };
		const { query } = await appConnections({ ...common(), proxyApp: "depin", builtin });
		assert.equal((await query.info(abci.RequestInfo.create())).data, "mine");
	});

	it("dials an address", async () => {
		const options = common();
		const application = await openKvStore();
		const address = "unix://run/app.sock";
		const server = await serveSocket({ network: options.world.network, address, application });
		const connections = await appConnections({ ...options, proxyApp: address });
		assert.equal(await connections.snapshot.echo("there"), "there");
		await connections.close();
		await server.close();
	});

	it("says what is wrong with anything else", async () => {
		const refused = appConnections({ ...common(), proxyApp: "kvstor" });
		await assert.rejects(refused, { code: "bad-address", blame: "operator", message: /kvstor.*persistent_kvstore/ });
	});
});

describe("abci_connection_method_timing_seconds", () => {
	it("observes each call once it is answered, by method and type", async () => {
		const observed: Labels[] = [];
		const histogram: Histogram = {
			observe: (value, labels = {}) => {
				assert.ok(value >= 0);
				observed.push(labels);
			},
		};
		const names: string[] = [];
		const metrics: Metrics = {
			...noMetrics,
			histogram: (name, _help, buckets, labelNames) => {
				names.push(`${name} ${labelNames?.join()} ${buckets.length}`);
				return histogram;
			},
		};
		const { query, mempool, consensus } = await appConnections({ ...common(), proxyApp: "kvstore", metrics });
		await query.info(abci.RequestInfo.create());
		await mempool.checkTx(abci.RequestCheckTx.create());
		await mempool.flush();
		await consensus.verifyVoteExtension(abci.RequestVerifyVoteExtension.create());
		assert.deepEqual(names, ["abci_connection_method_timing_seconds method,type 10"]);
		assert.deepEqual(observed, [
			{ method: "info", type: "sync" },
			{ method: "check_tx", type: "async" },
			{ method: "flush", type: "sync" },
			{ method: "verify_vote_extension", type: "sync" },
		]);
	});
});
