import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { utf8, type World } from "@cairn/kit";
import { abci } from "@cairn/types/proto";
import { memoryWorld, realWorld } from "@cairn/world";
import { type Application, BaseApplication } from "./application.ts";
import { type AppConnections, grpcConnections, localConnections, socketConnections } from "./connections.ts";
import { AbciError } from "./errors.ts";
import { serveGrpc } from "./grpc/server.ts";
import { openKvStore } from "./kvstore/kvstore.ts";
import { type AbciServer, serveSocket } from "./socket/server.ts";

/** One way to reach an application. */
interface Transport {
	readonly name: string;
	/** True where an exception ends the connection. */
	readonly failsOnException: boolean;
	open(application: Application): Promise<{ connections: AppConnections; server: AbciServer | undefined }>;
}

async function overSocket(world: World, address: string, application: Application) {
	const server = await serveSocket({ network: world.network, address, application });
	const connections = await socketConnections({ world, address: addressOf(address, server) });
	return { connections, server };
}

/** Where to dial: with the port that was assigned. */
function addressOf(asked: string, server: AbciServer): string {
	return asked.startsWith("unix://") ? asked : `tcp://${server.address}`;
}

async function temporaryDirectory(t: { after(call: () => Promise<void>): void }): Promise<string> {
	const path = await mkdtemp(join(tmpdir(), "cairn-abci-"));
	t.after(() => rm(path, { recursive: true, force: true }));
	return path;
}

const real = realWorld();

function transports(directory: string): readonly Transport[] {
	return [
		{
			name: "in process",
			failsOnException: false,
			open: async (application) => ({ connections: localConnections(application), server: undefined }),
		},
		{
			name: "socket in memory",
			failsOnException: true,
			open: (application) => overSocket(memoryWorld({ seed: 1 }), "tcp://127.0.0.1:26658", application),
		},
		{
			name: "unix socket",
			failsOnException: true,
			open: (application) => overSocket(real, `unix://${directory}/app.sock`, application),
		},
		{
			name: "TCP socket",
			failsOnException: true,
			open: (application) => overSocket(real, "tcp://127.0.0.1:0", application),
		},
		{
			name: "gRPC",
			failsOnException: false,
			open: async (application) => {
				const server = await serveGrpc({ address: "127.0.0.1:0", application });
				const connections = await grpcConnections({ world: real, address: `tcp://${server.address}` });
				return { connections, server };
			},
		},
		{
			name: "gRPC on a unix socket",
			failsOnException: false,
			open: async (application) => {
				const address = `unix://${directory}/grpc.sock`;
				const server = await serveGrpc({ address, application });
				return { connections: await grpcConnections({ world: real, address }), server };
			},
		},
	];
}

/** Runs a test over every transport. */
function overAll(
	title: string,
	makeApplication: () => Application | Promise<Application>,
	test: (connections: AppConnections, transport: Transport) => Promise<void>,
): void {
	describe(title, () => {
		for (const { name } of transports("")) {
			it(name, async (t) => {
				const directory = await temporaryDirectory(t);
				const transport = transports(directory).find((candidate) => candidate.name === name);
				assert.ok(transport !== undefined);
				const { connections, server } = await transport.open(await makeApplication());
				try {
					await test(connections, transport);
				} finally {
					await connections.close();
					await server?.close();
				}
			});
		}
	});
}

overAll(
	"a block through all four connections",
	() => openKvStore(),
	async ({ consensus, mempool, query, snapshot }) => {
		assert.equal(await query.echo("hello"), "hello");
		const info = await query.info(abci.RequestInfo.create({ abciVersion: "2.0.0" }));
		assert.equal(info.data, '{"size":0}');
		await consensus.initChain(abci.RequestInitChain.create({ chainId: "test", initialHeight: 1n }));
		const tx = utf8("abc:def");
		assert.equal((await mempool.checkTx(abci.RequestCheckTx.create({ tx }))).code, 0);
		assert.equal((await mempool.checkTx(abci.RequestCheckTx.create({ tx: utf8("nonsense") }))).code, 2);
		assert.equal((await mempool.insertTx({ tx })).code, 0);
		assert.deepEqual((await mempool.reapTxs({ maxBytes: 10n, maxGas: 1n })).txs, []);
		await mempool.flush();
		const { txs } = await consensus.prepareProposal(abci.RequestPrepareProposal.create({ txs: [tx], height: 1n }));
		assert.deepEqual(txs, [utf8("abc=def")]);
		const { status } = await consensus.processProposal(abci.RequestProcessProposal.create({ txs, height: 1n }));
		assert.equal(status, abci.ResponseProcessProposalProposalStatus.ACCEPT);
		assert.equal((await consensus.extendVote(abci.RequestExtendVote.create({ height: 1n }))).voteExtension.length, 0);
		const verified = await consensus.verifyVoteExtension(abci.RequestVerifyVoteExtension.create({ height: 1n }));
		assert.equal(verified.status, abci.ResponseVerifyVoteExtensionVerifyStatus.ACCEPT);
		const block = await consensus.finalizeBlock(abci.RequestFinalizeBlock.create({ txs, height: 1n }));
		assert.equal(block.txResults.length, 1);
		assert.deepEqual(block.appHash, new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0]));
		assert.equal((await consensus.commit({})).retainHeight, 0n);
		const found = await query.query(abci.RequestQuery.create({ path: "/store", data: utf8("abc"), prove: true }));
		assert.deepEqual([found.value, found.log, found.index, found.height], [utf8("def"), "exists", -1n, 1n]);
		assert.deepEqual((await snapshot.listSnapshots({})).snapshots, []);
		assert.equal((await snapshot.offerSnapshot(abci.RequestOfferSnapshot.create())).result, 0);
		assert.equal((await snapshot.loadSnapshotChunk(abci.RequestLoadSnapshotChunk.create())).chunk.length, 0);
		assert.equal((await snapshot.applySnapshotChunk(abci.RequestApplySnapshotChunk.create())).result, 0);
	},
);

/** Notices when two calls run at the same time, and in which order transactions come. */
class WatchfulApplication extends BaseApplication {
	running = 0;
	overlaps = 0;
	readonly seen: string[] = [];

	override async checkTx(request: abci.RequestCheckTx): Promise<abci.ResponseCheckTx> {
		return this.#alone(() => {
			this.seen.push(Buffer.from(request.tx).toString());
			return abci.ResponseCheckTx.create({ data: request.tx.slice() });
		});
	}

	override async query(): Promise<abci.ResponseQuery> {
		return this.#alone(() => abci.ResponseQuery.create());
	}

	async #alone<T>(answer: () => T): Promise<T> {
		if (this.running++ > 0) this.overlaps++;
		await new Promise((resolve) => setImmediate(resolve));
		this.running--;
		return answer();
	}
}

const watchful: WatchfulApplication[] = [];
overAll(
	"pipelined calls stay in order and never overlap in the application",
	() => {
		const application = new WatchfulApplication();
		watchful.push(application);
		return application;
	},
	async ({ mempool, query }) => {
		const application = watchful.at(-1);
		assert.ok(application !== undefined);
		const wanted = Array.from({ length: 200 }, (_, index) => `tx${index}`);
		const answered: string[] = [];
		const calls = wanted.map(async (tx, index) => {
			if (index % 10 === 0) void query.query(abci.RequestQuery.create()).catch(() => {});
			const { data } = await mempool.checkTx(abci.RequestCheckTx.create({ tx: utf8(tx) }));
			answered.push(Buffer.from(data).toString());
		});
		let isFlushed = false;
		const flushed = mempool.flush().then(() => {
			assert.equal(answered.length, wanted.length);
			isFlushed = true;
		});
		await Promise.all(calls);
		await flushed;
		assert.ok(isFlushed);
		assert.deepEqual(application.seen, wanted);
		assert.deepEqual(answered, wanted);
		assert.equal(application.overlaps, 0);
	},
);

class ThrowingApplication extends BaseApplication {
	override query(): abci.ResponseQuery {
		throw new Error("no such table");
	}
}

overAll(
	"an application that throws",
	() => new ThrowingApplication(),
	async (connections, transport) => {
		const failures: [string, AbciError][] = [];
		connections.onError((error, name) => failures.push([name, error]));
		const isException = (error: unknown): boolean =>
			error instanceof AbciError && error.code === "abci-exception" && /no such table/.test(error.message);
		const waiting = connections.query.query(abci.RequestQuery.create());
		await assert.rejects(waiting, isException);
		if (!transport.failsOnException) {
			assert.equal(await connections.query.echo("still here"), "still here");
			assert.deepEqual(failures, []);
			return;
		}
		assert.equal(failures.length, 1);
		assert.equal(failures[0]?.[0], "query");
		await assert.rejects(connections.query.echo("gone"), isException);
		assert.equal(await connections.mempool.echo("others live on"), "others live on");
	},
);

class HangingApplication extends BaseApplication {
	#isCalled: () => void = () => {};
	readonly called = new Promise<void>((resolve) => {
		this.#isCalled = resolve;
	});

	override commit(): Promise<abci.ResponseCommit> {
		this.#isCalled();
		return new Promise(() => {});
	}
}

describe("an application that goes away", () => {
	for (const { name } of transports("").slice(1)) {
		it(name, async (t) => {
			const directory = await temporaryDirectory(t);
			const transport = transports(directory).find((candidate) => candidate.name === name);
			assert.ok(transport !== undefined);
			const application = new HangingApplication();
			const { connections, server } = await transport.open(application);
			const failed = new Promise<AbciError>((resolve) => {
				connections.onError((error) => resolve(error));
			});
			const waiting = connections.consensus.commit({});
			const lost = assert.rejects(waiting, { code: "abci-connection-lost", blame: "operator" });
			await application.called;
			await Promise.all([server?.close(), lost]);
			assert.equal((await failed).code, "abci-connection-lost");
			await assert.rejects(connections.consensus.commit({}), { code: "abci-connection-lost" });
			await connections.close();
		});
	}
});

describe("closing", () => {
	for (const { name } of transports("").slice(1)) {
		it(name, async (t) => {
			const directory = await temporaryDirectory(t);
			const transport = transports(directory).find((candidate) => candidate.name === name);
			assert.ok(transport !== undefined);
			const { connections, server } = await transport.open(new HangingApplication());
			let failures = 0;
			connections.onError(() => failures++);
			const refused = assert.rejects(connections.consensus.commit({}), { code: "abci-closed" });
			await connections.close();
			await refused;
			await assert.rejects(connections.query.echo("closed"), { code: "abci-closed" });
			await server?.close();
			assert.equal(failures, 0);
		});
	}

	it("in process, the application is closed too", async () => {
		let closed = 0;
		class Closable extends BaseApplication {
			close(): void {
				closed++;
			}
		}
		const connections = localConnections(new Closable());
		await connections.close();
		assert.equal(closed, 1);
		await assert.rejects(connections.query.echo("closed"), { code: "abci-closed" });
	});
});
