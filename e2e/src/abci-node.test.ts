// A real CometBFT v0.40.0 node drives our application servers, and our grammar checker judges what it asks.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import {
	type AbciServer,
	type Application,
	GrammarChecker,
	grammarRecorder,
	localConnections,
	openKvStore,
	recordingConnections,
	serveGrpc,
	serveSocket,
} from "@cairn/abci";
import { fromUtf8, utf8 } from "@cairn/kit";
import { abci } from "@cairn/types/proto";
import { realWorld } from "@cairn/world";
import { freePort } from "./harness/ports.ts";
import { COMETBFT, programOrNull } from "./harness/programs.ts";

const cometbft = programOrNull(COMETBFT);
const run = promisify(execFile);
const world = realWorld();

/** An application that tells when it has committed a height, watched by the grammar checker. */
async function watchedApplication() {
	const checker = new GrammarChecker();
	const grammar = grammarRecorder(checker);
	const inner = await openKvStore();
	let height = 0n;
	let waiting: { height: bigint; resolve: () => void }[] = [];
	const connections = recordingConnections(localConnections(inner), {
		onCall: (call) => {
			grammar.onCall(call);
			if (call.kind === "finalizeBlock") height = call.request.height;
		},
		onAnswer: (answer) => {
			grammar.onAnswer(answer);
			if (answer.kind !== "commit") return;
			for (const entry of waiting) if (height >= entry.height) entry.resolve();
			waiting = waiting.filter((entry) => height < entry.height);
		},
	});
	const reached = (target: bigint): Promise<void> =>
		new Promise((resolve) => {
			if (height >= target) resolve();
			else waiting.push({ height: target, resolve });
		});
	// A client has every method of an application.
	const application: Application = connections.consensus;
	return { application, checker, reached, height: () => height };
}

interface Node {
	readonly rpc: string;
	kill(): Promise<void>;
}

async function startNode(t: TestContext, home: string, transport: string, address: string): Promise<Node> {
	const rpc = `127.0.0.1:${await freePort()}`;
	const options = ["start", "--home", home, "--proxy_app", address, "--abci", transport, "--log_level", "error"];
	const listen = ["--rpc.laddr", `tcp://${rpc}`, "--p2p.laddr", "tcp://127.0.0.1:0"];
	const fast = ["--consensus.create_empty_blocks_interval", "100ms"];
	const child = spawn(cometbft ?? "", [...options, ...listen, ...fast], { stdio: ["ignore", "ignore", "inherit"] });
	const exited = new Promise<void>((resolve) => {
		child.on("exit", () => resolve());
	});
	const kill = async (): Promise<void> => {
		child.kill("SIGKILL");
		await exited;
	};
	t.after(kill);
	return { rpc, kill };
}

const SERVERS: readonly (readonly [
	string,
	(application: Application, directory: string) => Promise<{ server: AbciServer; address: string }>,
])[] = [
	[
		"socket",
		async (application, directory) => {
			const address = `unix://${join(directory, "app.sock")}`;
			return { server: await serveSocket({ network: world.network, address, application }), address };
		},
	],
	[
		"grpc",
		async (application) => {
			const server = await serveGrpc({ address: "127.0.0.1:0", application });
			return { server, address: server.address };
		},
	],
];

describe("a CometBFT node with our application server", { skip: cometbft === null, timeout: 120_000 }, () => {
	for (const [transport, listen] of SERVERS) {
		it(`over ${transport}: blocks, a transaction, a crash of the node`, async (t) => {
			const home = await mkdtemp(join(tmpdir(), "cairn-abci-node-"));
			t.after(() => rm(home, { recursive: true, force: true }));
			await run(cometbft ?? "", ["init", "--home", home]);
			const { application, checker, reached, height } = await watchedApplication();
			const { server, address } = await listen(application, home);
			t.after(() => server.close());

			const first = await startNode(t, home, transport, address);
			await reached(2n);
			const tx = await fetch(`http://${first.rpc}/broadcast_tx_commit?tx="abc=def"`);
			const body = (await tx.json()) as { result?: { tx_result?: { code: number }; height?: string } };
			assert.equal(body.result?.tx_result?.code, 0, JSON.stringify(body));
			const asked = await fetch(`http://${first.rpc}/abci_query?data="abc"`);
			assert.match(await asked.text(), new RegExp(`"value":"${Buffer.from("def").toString("base64")}"`));
			await first.kill();
			assert.equal(checker.violation, null);

			checker.restart();
			const before = height();
			await startNode(t, home, transport, address);
			await reached(before + 2n);
			assert.equal(checker.violation, null);
			const found = await application.query(abci.RequestQuery.create({ data: utf8("abc") }));
			assert.equal(fromUtf8(found.value), "def");
		});
	}
});
