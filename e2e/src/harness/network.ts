import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, cpSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseNodeKey } from "@cairn/network";
import { freePorts } from "./ports.ts";
import { CAIRN } from "./programs.ts";
import { type BlockAnswer, call, type Status, until } from "./rpc.ts";

/** Sets one key of a config.toml in its section; both programs write one key a line. */
export function setKey(home: string, section: string, key: string, value: string): void {
	const file = join(home, "config", "config.toml");
	const lines = readFileSync(file, "utf8").split("\n");
	let current = "";
	const at = lines.findIndex((line) => {
		const header = /^\[(.*)\]$/.exec(line.trim());
		if (header !== null) current = header[1] ?? "";
		return current === section && line.startsWith(`${key} =`);
	});
	if (at < 0) throw new Error(`${file} has no key ${key} in [${section}]`);
	lines[at] = `${key} = ${value}`;
	writeFileSync(file, lines.join("\n"));
}

/** Nodes must not outlive the suite, however it ends. */
const alive = new Set<ChildProcess>();
process.once("exit", () => {
	for (const child of alive) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

/** A program that runs a home folder: `["cometbft"]` or Cairn. */
export type Program = readonly string[];

/** One node of a test network: a home folder and, at times, a process. */
export class TestNode {
	readonly name: string;
	readonly home: string;
	readonly p2pPort: number;
	readonly rpcPort: number;
	readonly logFile: string;
	program: Program;
	#process: ChildProcess | null = null;
	#exit: Promise<number | null> = Promise.resolve(null);

	constructor(name: string, home: string, ports: { readonly p2p: number; readonly rpc: number }, program: Program) {
		this.name = name;
		this.home = home;
		this.p2pPort = ports.p2p;
		this.rpcPort = ports.rpc;
		this.program = program;
		this.logFile = join(home, "node.log");
	}

	/** Id of the node key. */
	get id(): string {
		const file = join(this.home, "config", "node_key.json");
		return parseNodeKey(readFileSync(file, "utf8"), file).id;
	}

	/** `id@host:port` for peers. */
	get address(): string {
		return `${this.id}@127.0.0.1:${this.p2pPort}`;
	}

	/** Upper hex, as RPC shows it. */
	get validatorAddress(): string {
		const key = JSON.parse(readFileSync(join(this.home, "config", "priv_validator_key.json"), "utf8"));
		return String((key as { address: unknown }).address);
	}

	/** What runs it now. */
	get kind(): "Cairn" | "CometBFT" {
		return this.program === CAIRN ? "Cairn" : "CometBFT";
	}

	/** Another application from the next start on. */
	setProxyApp(proxyApp: string): void {
		setKey(this.home, "", "proxy_app", JSON.stringify(proxyApp));
	}

	get running(): boolean {
		return this.#process !== null;
	}

	/** Process id of the running node. */
	get pid(): number {
		const pid = this.#process?.pid;
		if (pid === undefined) throw new Error(`${this.name} is not running`);
		return pid;
	}

	start(extra: readonly string[] = [], environment: Readonly<Record<string, string>> = {}): void {
		if (this.#process !== null) throw new Error(`${this.name} runs already`);
		const log = openSync(this.logFile, "a");
		const [command = "", ...first] = this.program;
		const child = spawn(command, [...first, "start", "--home", this.home, ...extra], {
			stdio: ["ignore", log, log],
			env: { ...process.env, ...environment },
		});
		closeSync(log);
		alive.add(child);
		this.#process = child;
		this.#exit = new Promise((resolve) => {
			child.once("exit", (code) => {
				alive.delete(child);
				this.#process = null;
				resolve(code);
			});
		});
	}

	/** Sends a signal and waits for the end of the process. */
	async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
		this.#process?.kill(signal);
		return this.exited();
	}

	signal(signal: NodeJS.Signals): void {
		this.#process?.kill(signal);
	}

	/** Resolves with the exit code once the process has ended. */
	exited(): Promise<number | null> {
		return this.#exit;
	}

	call<T>(path: string): Promise<T> {
		return call<T>(this.rpcPort, path);
	}

	async height(): Promise<number> {
		return Number((await this.call<Status>("status")).sync_info.latest_block_height);
	}

	block(height: number): Promise<BlockAnswer> {
		return this.call<BlockAnswer>(`block?height=${height}`);
	}

	/** Waits until the node has this height. @throws with the tail of its log */
	async reach(height: number, timeoutMs = 60_000): Promise<void> {
		try {
			await until(`${this.name} at height ${height}`, timeoutMs, async () => {
				if (this.#process === null) throw new Error("the process is not running");
				return (await this.height()) >= height ? true : undefined;
			});
		} catch (cause) {
			throw new Error(`${String(cause)}\n${this.logTail()}`, { cause });
		}
	}

	log(): string {
		return readFileSync(this.logFile, "utf8");
	}

	logTail(lines = 25): string {
		return `--- log of ${this.name}\n${this.log().split("\n").slice(-lines).join("\n")}`;
	}
}

export interface NetworkOptions {
	readonly programs: readonly Program[];
	/** Nodes without a validator's power at the end of the list. */
	readonly fullNodes?: number;
	/** More keys for every node: section, key, TOML value. */
	readonly keys?: readonly (readonly [section: string, key: string, value: string])[];
	/** Changes the genesis document before it is written to every home. */
	readonly genesis?: (document: Record<string, unknown>) => void;
	readonly proxyApp?: string;
}

/** A network of nodes on loopback, made by `cairn testnet` and bent to free ports. */
export class TestNetwork {
	readonly folder: string;
	readonly nodes: readonly TestNode[];

	private constructor(folder: string, nodes: readonly TestNode[]) {
		this.folder = folder;
		this.nodes = nodes;
	}

	static async create(options: NetworkOptions): Promise<TestNetwork> {
		const count = options.programs.length;
		const full = options.fullNodes ?? 0;
		const folder = mkdtempSync(join(tmpdir(), "cairn-e2e-"));
		const [command = "", ...first] = CAIRN;
		const flags = ["testnet", "--v", String(count - full), "--n", String(full), "--o", folder];
		execFileSync(command, [...first, ...flags], { stdio: "pipe" });
		const ports = await freePorts(2 * count);
		const nodes = options.programs.map((program, index) => {
			const p2p = ports[2 * index] ?? 0;
			const rpc = ports[2 * index + 1] ?? 0;
			return new TestNode(`node${index}`, join(folder, `node${index}`), { p2p, rpc }, program);
		});
		for (const node of nodes) configure(node, nodes, options);
		if (options.genesis !== undefined) rewriteGenesis(nodes, options.genesis);
		return new TestNetwork(folder, nodes);
	}

	node(index: number): TestNode {
		const node = this.nodes[index];
		if (node === undefined) throw new Error(`there is no node ${index}`);
		return node;
	}

	startAll(): void {
		for (const node of this.nodes) node.start();
	}

	async reachAll(height: number, timeoutMs = 60_000): Promise<void> {
		await Promise.all(this.nodes.filter((node) => node.running).map((node) => node.reach(height, timeoutMs)));
	}

	/** Copies a home folder aside, as it stands. */
	keep(node: TestNode, as: string): string {
		const target = join(this.folder, as);
		cpSync(node.home, target, { recursive: true });
		return target;
	}

	/** Ends every process at once and removes the folders, unless CAIRN_E2E_KEEP says to keep them for a look. */
	async destroy(): Promise<void> {
		await Promise.all(this.nodes.map((node) => node.stop("SIGKILL")));
		if ((process.env.CAIRN_E2E_KEEP ?? "") !== "") {
			console.error(`kept ${this.folder}`);
			return;
		}
		rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
	}
}

function configure(node: TestNode, nodes: readonly TestNode[], options: NetworkOptions): void {
	const peers = nodes.filter((other) => other !== node).map((other) => other.address);
	setKey(node.home, "", "proxy_app", JSON.stringify(options.proxyApp ?? "kvstore"));
	setKey(node.home, "p2p", "laddr", JSON.stringify(`tcp://127.0.0.1:${node.p2pPort}`));
	setKey(node.home, "rpc", "laddr", JSON.stringify(`tcp://127.0.0.1:${node.rpcPort}`));
	setKey(node.home, "p2p", "persistent_peers", JSON.stringify(peers.join(",")));
	setKey(node.home, "p2p", "allow_duplicate_ip", "true");
	setKey(node.home, "p2p", "addr_book_strict", "false");
	for (const [section, key, value] of options.keys ?? []) setKey(node.home, section, key, value);
}

function rewriteGenesis(nodes: readonly TestNode[], change: (document: Record<string, unknown>) => void): void {
	for (const node of nodes) {
		const file = join(node.home, "config", "genesis.json");
		const document = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
		change(document);
		writeFileSync(file, JSON.stringify(document, null, 2));
	}
}
