import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CairnError, utf8, type World } from "@cairn/kit";
import { type Display, noticeText, type Print } from "./display.ts";
import { drainFleet, levelNodes, pause, takeAccounts } from "./ending.ts";
import { fleetGenesis, StationFleet } from "./fleet.ts";
import { type Layout, openLayout } from "./layout.ts";
import { LocalNetwork } from "./local-network.ts";
import { plural } from "./numbers.ts";
import type { UpOptions } from "./options.ts";
import { checkPorts } from "./ports.ts";
import { compareNodes, reportToJson } from "./report.ts";
import { summaryText } from "./summary.ts";

/** The edges of the process that `up` runs in. */
export interface UpEdges {
	readonly world: World;
	readonly pid: number;
	readonly print: Print;
	/** Opens the live view, or the printer of plain lines. `onStop` is called for keys that mean it. */
	openDisplay(onStop: () => void): Display;
	/** Calls for each signal to stop until the returned function is called. */
	onStopSignal(call: () => void): () => void;
	/** Ends this process at once. */
	exitNow(): void;
}

/** The command line's program, seen from the built folder. */
const PROGRAM = fileURLToPath(new URL("../../bin/cairn.js", import.meta.url));

/** How long the nodes may take to answer after their start: the last blocks may have to be executed again. */
const START_TIMEOUT_MS = 120_000;
const START_LOOK_MS = 200;
/** After a cut the processes of the run before may still hold ports and databases. */
const CUT_PATIENCE_MS = 20_000;
/** A node's own `cairn.stop_timeout` is 20 s. */
const STOP_GRACE_MS = 25_000;
const SHOW_MS = 250;
/** Wishes to stop that come so soon after one another are one. */
const ECHO_MS = 500;
const SAMPLE_MS = 1_000;

/**
 * The main job: runs a network until it is stopped or its time is over, compares the nodes, and writes a report.
 * True if all nodes agree. @throws CairnError that says what to do
 */
export async function runUp(options: UpOptions, edges: UpEdges): Promise<boolean> {
	const layout = await openLayout(edges.world, options, edges.pid, fleetGenesis);
	try {
		const { world } = edges;
		await checkPorts(world.network, world.timers, layout.nodes, layout.wasCutOff ? CUT_PATIENCE_MS : 0);
		const { seed, chainId, devices } = layout.record;
		const fleet = await StationFleet.create(seed, chainId, devices);
		return await new UpRun(options, edges, layout, fleet).run();
	} finally {
		await layout.release();
	}
}

/** One run of a network whose folder is ready. */
class UpRun {
	readonly #options: UpOptions;
	readonly #edges: UpEdges;
	readonly #layout: Layout;
	readonly #fleet: StationFleet;
	readonly #network: LocalNetwork;
	#display: Display | null = null;
	#stopWishedAt: number | null = null;
	#onStopWish = (): void => {};
	#showing = true;
	/** Printed when the terminal is given back. */
	#ending = "";
	#sampledAt = Number.NEGATIVE_INFINITY;

	constructor(options: UpOptions, edges: UpEdges, layout: Layout, fleet: StationFleet) {
		this.#options = options;
		this.#edges = edges;
		this.#layout = layout;
		this.#fleet = fleet;
		this.#network = new LocalNetwork({
			world: edges.world,
			chainId: layout.record.chainId,
			home: options.home,
			nodes: layout.nodes,
			fleet,
			program: PROGRAM,
			onNotice: (notice) => this.#display?.notice(notice),
		});
	}

	async run(): Promise<boolean> {
		const release = this.#edges.onStopSignal(() => this.#stopWish());
		this.#announce();
		this.#display = this.#edges.openDisplay(() => this.#stopWish());
		this.#show();
		try {
			await this.#start();
			await this.#untilOver();
			return await this.#account();
		} finally {
			await this.#stop();
			release();
			this.#edges.print(this.#ending);
		}
	}

	#announce(): void {
		const { nodes, record, isNew, home } = this.#layout;
		const { print } = this.#edges;
		print(`${isNew ? "new chain" : "chain"} ${record.chainId}, ${plural(nodes.length, "validator")}, in ${home}\n`);
		for (const { name, rpc, metrics, p2p } of nodes) {
			const metricsText = metrics === null ? "" : `   metrics http://${metrics}/metrics`;
			print(`${name}   RPC http://${rpc}${metricsText}   peers ${p2p}\n`);
		}
	}

	/** The first wish stops the run in order, the second one ends everything at once. */
	#stopWish(): void {
		const now = this.#edges.world.clock.mono();
		if (this.#stopWishedAt === null) {
			this.#stopWishedAt = now;
			this.#onStopWish();
			return;
		}
		// One Ctrl-C may come twice: from the terminal, and passed on by npm.
		if (now - this.#stopWishedAt < ECHO_MS) return;
		this.#network.supervisor.killAll();
		this.#closeDisplay();
		this.#edges.print("ended at once, without a comparison\n");
		this.#edges.exitNow();
	}

	/** Shows how things stand, again and again. */
	#show(): void {
		if (!this.#showing) return;
		const { clock, timers } = this.#edges.world;
		if (clock.mono() - this.#sampledAt >= SAMPLE_MS) {
			this.#sampledAt = clock.mono();
			void this.#network.usage.sample();
			this.#network.checkStall();
		}
		const { durationMs } = this.#options;
		this.#display?.show(this.#network.model(durationMs === null ? null : durationMs - this.#network.upMs));
		timers.after(SHOW_MS, () => this.#show());
	}

	/** Starts the processes and waits until all of them answer. @throws CairnError `up-start`, `up-stopped` */
	async #start(): Promise<void> {
		const network = this.#network;
		const { clock } = this.#edges.world;
		await network.supervisor.startAll();
		const end = clock.mono() + START_TIMEOUT_MS;
		for (;;) {
			const readings = await network.monitor.look();
			if (this.#stopWishedAt !== null)
				throw new CairnError("up-stopped", "operator", "stopped before the network was up");
			if (readings.every(({ reachable }) => reachable)) break;
			this.#checkStart(
				clock.mono() > end,
				readings.findIndex(({ reachable }) => !reachable),
			);
			await pause(this.#edges.world, START_LOOK_MS);
		}
		if (!this.#layout.isNew) await this.#fleet.resume((calls) => network.ask(calls));
		network.up();
		network.monitor.start();
		network.runner.start();
	}

	/** @throws CairnError `up-start` where waiting on makes no sense */
	#checkStart(isLate: boolean, silent: number): void {
		const crash = this.#network.failedAtStart;
		// After a cut, what the run before still holds is let go of soon: the node is started again.
		const isFinal = crash !== null && (crash.restartInMs === null || !this.#layout.wasCutOff);
		if (!isFinal && !isLate) return;
		const late = `did not answer within ${START_TIMEOUT_MS / 1_000} s`;
		const what = isFinal ? `ended with exit code ${crash.end.code ?? "unknown"}` : late;
		const node = this.#layout.nodes.find(({ name }) => name === crash?.name) ?? this.#layout.nodes[silent];
		const advice = `the reason is in ${node?.logFile ?? "its log"}`;
		throw new CairnError("up-start", "operator", `${node?.name ?? "a node"} ${what}; ${advice}`);
	}

	/** Resolves when the time is over or somebody wishes to stop. */
	async #untilOver(): Promise<void> {
		const { durationMs } = this.#options;
		await new Promise<void>((resolve) => {
			this.#onStopWish = resolve;
			if (this.#stopWishedAt !== null) resolve();
			if (durationMs !== null) this.#edges.world.timers.after(durationMs, resolve);
		});
		this.#onStopWish = () => {};
	}

	/** Ends the fleet, lets the nodes come level, compares them and writes the report. */
	async #account(): Promise<boolean> {
		const network = this.#network;
		const { world } = this.#edges;
		network.phase = "waiting for the last readings";
		await drainFleet(network, world);
		network.phase = "waiting until the nodes are level";
		const level = await levelNodes(network, world);
		network.phase = "comparing the nodes";
		const accounts = await takeAccounts(network, this.#layout.nodes, level);
		const { sent, committed, refused, surprises, latencies } = network.ledger;
		const [p50, p99] = [latencies.percentile(0.5), latencies.percentile(0.99)];
		const txs = { sent, committed, refused, surprises, p50, p99 };
		const comparison = compareNodes(accounts);
		const path = this.#options.reportFile ?? join(this.#options.home, "report.json");
		// Told also where the report cannot be written.
		this.#ending = summaryText(comparison, accounts, txs);
		await world.disk.makeDirectory(dirname(path));
		await world.disk.writeAtomic(path, utf8(reportToJson(comparison, accounts, txs)), 0o644);
		this.#ending += `report   ${path}\n`;
		return comparison.agree;
	}

	/** Stops the nodes and gives the terminal back. What went wrong meanwhile is told where it stays. */
	async #stop(): Promise<void> {
		const network = this.#network;
		network.phase = "stopping the nodes";
		network.detach();
		const killed = await network.supervisor.stopAll(STOP_GRACE_MS);
		this.#showing = false;
		const wasLive = this.#display?.isLive === true;
		this.#closeDisplay();
		if (wasLive) for (const notice of network.notices) this.#edges.print(noticeText(notice));
		for (const name of killed) {
			this.#edges.print(`!!! ${name} did not stop within ${STOP_GRACE_MS / 1_000} s and was killed\n`);
		}
	}

	#closeDisplay(): void {
		this.#display?.close();
		this.#display = null;
	}
}
