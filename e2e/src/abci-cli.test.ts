// Our clients against the applications of CometBFT v0.40.0's abci-cli, and its client against our servers.
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import {
	type AbciServer,
	type AppConnections,
	type Application,
	grpcConnections,
	localConnections,
	openKvStore,
	serveGrpc,
	serveSocket,
	socketConnections,
} from "@cairn/abci";
import { toBase64, utf8 } from "@cairn/kit";
import { abci } from "@cairn/types/proto";
import { realWorld } from "@cairn/world";
import { freePort } from "./harness/ports.ts";
import { ABCI_CLI, programOrNull } from "./harness/programs.ts";

const abciCli = programOrNull(ABCI_CLI);
const world = realWorld();
const run = promisify(execFile);

async function temporaryDirectory(t: TestContext): Promise<string> {
	const path = await mkdtemp(join(tmpdir(), "cairn-abci-cli-"));
	t.after(() => rm(path, { recursive: true, force: true }));
	return path;
}

/** Runs `abci-cli kvstore`; gives how to stop it. */
function goKvStore(t: TestContext, transport: string, address: string, directory: string): () => Promise<void> {
	const options = ["kvstore", "--abci", transport, "--address", address, "--persist", directory, "--log_level", "none"];
	const child: ChildProcess = spawn(abciCli ?? "", options, { stdio: ["ignore", "ignore", "inherit"] });
	const exited = new Promise<void>((resolve) => {
		child.on("exit", () => resolve());
	});
	const stop = async (): Promise<void> => {
		child.kill("SIGKILL");
		await exited;
	};
	t.after(stop);
	return stop;
}

const KEY = toBase64(new Uint8Array(32).fill(7));
const OTHER_KEY = toBase64(new Uint8Array(32).fill(8));
const SECP_KEY = toBase64(Uint8Array.of(2, ...new Uint8Array(32).fill(9)));

/** Good and bad transactions, none of which makes the Go application panic. */
const TRANSACTIONS: readonly Uint8Array[] = [
	...[
		"a=b",
		"a:b",
		"a",
		"=b",
		"b=",
		"a=b=c",
		"a:b:c",
		"",
		"ключ=значение",
		"a=b:c",
		"x=1",
		"abc:def",
		"val=",
		"val=x!y",
	],
	...[`val=ed25519!${KEY}!-1`, `val=ed25519!${KEY}!ten`, `val=ed25519!${KEY}!9223372036854775808`],
	...[`val=ed25519!${KEY}!10`, `val=!${OTHER_KEY}!+7`, `val=secp256k1!${SECP_KEY}!3`],
]
	.map(utf8)
	.concat([Uint8Array.of(0xff, 0x3d, 0xfe), Uint8Array.of(0, 0x3a, 0)]);

/** Asks both the same and compares every answer. */
class Comparison {
	readonly #theirs: AppConnections;
	readonly #ours: AppConnections;
	compared = 0;

	constructor(theirs: AppConnections, ours: AppConnections) {
		this.#theirs = theirs;
		this.#ours = ours;
	}

	async same<T>(ask: (connections: AppConnections) => Promise<T>): Promise<T> {
		const [theirs, ours] = [await ask(this.#theirs), await ask(this.#ours)];
		assert.deepEqual(ours, theirs);
		this.compared++;
		return theirs;
	}
}

async function block(both: Comparison, height: bigint, proposed: readonly Uint8Array[]): Promise<void> {
	const prepare = abci.RequestPrepareProposal.create({ txs: proposed, maxTxBytes: 1_000_000n, height });
	const { txs } = await both.same(({ consensus }) => consensus.prepareProposal(prepare));
	const process = abci.RequestProcessProposal.create({ txs, height });
	await both.same(({ consensus }) => consensus.processProposal(process));
	await both.same(({ consensus }) => consensus.finalizeBlock(abci.RequestFinalizeBlock.create({ txs, height })));
	await both.same(({ consensus }) => consensus.commit({}));
}

/** Everything that can be asked without harm, on all four connections. */
async function conversation(both: Comparison, firstHeight: bigint): Promise<void> {
	const info = abci.RequestInfo.create({ version: "0.39.0", blockVersion: 11n, p2pVersion: 8n, abciVersion: "2.0.0" });
	await both.same(({ query }) => query.echo("hello"));
	await both.same(({ query }) => query.info(info));
	if (firstHeight === 1n) {
		const pubKey = { sum: { kind: "ed25519", value: new Uint8Array(32).fill(1) } } as const;
		const genesis = abci.RequestInitChain.create({
			chainId: "e2e",
			validators: [{ pubKey, power: 10n }],
			initialHeight: 1n,
		});
		await both.same(({ consensus }) => consensus.initChain(genesis));
	}
	for (const tx of TRANSACTIONS) {
		await both.same(({ mempool }) => mempool.checkTx(abci.RequestCheckTx.create({ tx })));
		await both.same(({ mempool }) => mempool.insertTx({ tx }));
	}
	await both.same(({ mempool }) => mempool.reapTxs({ maxBytes: 100n, maxGas: 100n }));
	await both.same(async ({ mempool }) => {
		const calls = TRANSACTIONS.map((tx) => mempool.checkTx(abci.RequestCheckTx.create({ tx, type: 1 })));
		await mempool.flush();
		return Promise.all(calls);
	});
	for (let index = 0n; index < 3n; index++) await block(both, firstHeight + index, TRANSACTIONS.slice(Number(index)));
	const refused = abci.RequestProcessProposal.create({ txs: [utf8("bad")], height: 9n });
	await both.same(({ consensus }) => consensus.processProposal(refused));
	await both.same(({ consensus }) => consensus.extendVote(abci.RequestExtendVote.create({ height: 4n })));
	const extension = abci.RequestVerifyVoteExtension.create({ height: 4n, voteExtension: utf8("e") });
	await both.same(({ consensus }) => consensus.verifyVoteExtension(extension));
	for (const data of ["a", "abc", "missing", "ключ"].map(utf8)) {
		for (const prove of [false, true]) {
			await both.same(({ query }) => query.query(abci.RequestQuery.create({ path: "/store", data, prove })));
		}
	}
	const validator = abci.RequestQuery.create({ path: "/val", data: new Uint8Array(32).fill(7) });
	await both.same(({ query }) => query.query(validator));
	await both.same(({ snapshot }) => snapshot.listSnapshots({}));
	await both.same(({ snapshot }) => snapshot.offerSnapshot(abci.RequestOfferSnapshot.create({ appHash: utf8("h") })));
	await both.same(({ snapshot }) => snapshot.loadSnapshotChunk(abci.RequestLoadSnapshotChunk.create({ height: 1n })));
	await both.same(({ snapshot }) => snapshot.applySnapshotChunk(abci.RequestApplySnapshotChunk.create({ index: 1 })));
	await both.same(({ query }) => query.info(info));
}

/** Each way to reach `abci-cli kvstore`. */
const GO_SERVERS: readonly (readonly [string, string, (directory: string) => Promise<string>])[] = [
	["a unix socket", "socket", async (directory) => `unix://${directory}/app.sock`],
	["a TCP socket", "socket", async () => `tcp://127.0.0.1:${await freePort()}`],
	["gRPC on TCP", "grpc", async () => `tcp://127.0.0.1:${await freePort()}`],
	["gRPC on a unix socket", "grpc", async (directory) => `unix://${directory}/app.sock`],
];

const connect = (transport: string, address: string): Promise<AppConnections> =>
	transport === "grpc" ? grpcConnections({ world, address }) : socketConnections({ world, address });

describe("our clients with abci-cli kvstore", { skip: abciCli === null }, () => {
	for (const [name, transport, addressIn] of GO_SERVERS) {
		it(`over ${name}: every answer is our kvstore's too`, async (t) => {
			const directory = await temporaryDirectory(t);
			const address = await addressIn(directory);
			goKvStore(t, transport, address, directory);
			const theirs = await connect(transport, address);
			const ours = localConnections(await openKvStore());
			const both = new Comparison(theirs, ours);
			await conversation(both, 1n);
			assert.ok(both.compared > 70);
			await theirs.close();
		});

		it(`over ${name}: the application dies`, async (t) => {
			const directory = await temporaryDirectory(t);
			const address = await addressIn(directory);
			const stop = goKvStore(t, transport, address, directory);
			const connections = await connect(transport, address);
			const failed = new Promise<string>((resolve) => {
				connections.onError((error) => resolve(error.code));
			});
			await stop();
			assert.equal(await failed, "abci-connection-lost");
			await connections.close();
		});
	}

	it("pipelines ten thousand transactions", async (t) => {
		const directory = await temporaryDirectory(t);
		const address = `unix://${directory}/app.sock`;
		goKvStore(t, "socket", address, directory);
		const connections = await connect("socket", address);
		const calls = Array.from({ length: 10_000 }, (_, index) =>
			connections.mempool.checkTx(abci.RequestCheckTx.create({ tx: utf8(index % 2 === 0 ? `k${index}=v` : "bad") })),
		);
		await connections.mempool.flush();
		const answers = await Promise.all(calls);
		assert.ok(answers.every((answer, index) => answer.code === (index % 2 === 0 ? 0 : 2)));
		await connections.close();
	});
});

describe("one kvstore.db in both hands", { skip: abciCli === null }, () => {
	/** Both have run the first conversation; `first` on disk. Whoever goes on must know everything. */
	it("Go writes, we go on", async (t) => {
		const directory = await temporaryDirectory(t);
		const address = `unix://${directory}/app.sock`;
		const stop = goKvStore(t, "socket", address, directory);
		const theirs = await connect("socket", address);
		const memory = localConnections(await openKvStore());
		await conversation(new Comparison(theirs, memory), 1n);
		await theirs.close();
		await stop();
		const opened = await openKvStore({ disk: world.disk, path: join(directory, "kvstore.db") });
		const persistent = localConnections(opened);
		await conversation(new Comparison(memory, persistent), 4n);
		await persistent.close();
	});

	it("we write, Go goes on", async (t) => {
		const directory = await temporaryDirectory(t);
		const memory = localConnections(await openKvStore());
		const opened = await openKvStore({ disk: world.disk, path: join(directory, "kvstore.db") });
		const persistent = localConnections(opened);
		await conversation(new Comparison(persistent, memory), 1n);
		await persistent.close();
		const address = `unix://${directory}/app.sock`;
		goKvStore(t, "socket", address, directory);
		const theirs = await connect("socket", address);
		await conversation(new Comparison(theirs, memory), 4n);
		await theirs.close();
	});
});

/** Each of our servers, and how abci-cli is told to reach it. */
const OUR_SERVERS: readonly (readonly [
	string,
	string,
	(application: Application, directory: string) => Promise<{ server: AbciServer; address: string }>,
])[] = [
	[
		"unix socket",
		"socket",
		async (application, directory) => {
			const address = `unix://${directory}/app.sock`;
			return { server: await serveSocket({ network: world.network, address, application }), address };
		},
	],
	[
		"TCP socket",
		"socket",
		async (application) => {
			const server = await serveSocket({ network: world.network, address: "tcp://127.0.0.1:0", application });
			return { server, address: `tcp://${server.address}` };
		},
	],
	[
		"gRPC",
		"grpc",
		async (application) => {
			const server = await serveGrpc({ address: "127.0.0.1:0", application });
			return { server, address: server.address };
		},
	],
];

describe("abci-cli with our servers", { skip: abciCli === null }, () => {
	for (const [name, transport, listen] of OUR_SERVERS) {
		it(name, async (t) => {
			const directory = await temporaryDirectory(t);
			const { server, address } = await listen(await openKvStore(), directory);
			t.after(() => server.close());
			const ask = async (...command: string[]): Promise<string> => {
				const options = ["--abci", transport, "--address", address, "--log_level", "none"];
				return (await run(abciCli ?? "", [...options, ...command], { timeout: 30_000 })).stdout;
			};
			assert.equal(await ask("echo", "hello"), "-> code: OK\n-> data: hello\n-> data.hex: 0x68656C6C6F\n");
			assert.match(await ask("info"), /-> code: OK\n-> data: \{"size":0\}/);
			assert.equal(await ask("check_tx", '"abc"'), "-> code: 2\n");
			assert.equal(await ask("check_tx", '"abc=def"'), "-> code: OK\n");
			assert.match(
				await ask("prepare_proposal", '"abc:def"', '"bad"'),
				/-> code: OK\n-> log: Succeeded. Tx: "?abc=def"?\n/,
			);
			assert.match(await ask("process_proposal", '"bad"'), /-> status: REJECT\n/);
			assert.match(await ask("process_proposal", '"abc=def"'), /-> status: ACCEPT\n/);
			const finalized = await ask("finalize_block", '"abc=def"', '"x=y"');
			assert.equal(finalized, "-> code: OK\n-> code: OK\n-> code: OK\n-> data.hex: 0x0400000000000000\n");
			assert.equal(await ask("commit"), "-> code: OK\n");
			assert.match(await ask("query", '"abc"'), /-> log: exists\n-> height: 0\n-> key: abc\n.*\n-> value: def\n/);
			assert.match(await ask("query", '"nobody"'), /-> log: does not exist\n/);
			assert.match(await ask("info"), /\{"size":2\}/);
		});
	}
});
