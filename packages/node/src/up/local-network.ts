import { CairnError, type World } from "@cairn/kit";
import { BlockWatch } from "./block-watch.ts";
import type { StationFleet } from "./fleet.ts";
import { refusalReason } from "./fleet.ts";
import { FleetRunner } from "./fleet-runner.ts";
import type { NodeRow, Notice, UpModel } from "./model.ts";
import { Monitor, SILENT } from "./monitor.ts";
import { type AnnouncedBlock, NodeLink } from "./node-link.ts";
import type { NodeProcessSpec } from "./node-process.ts";
import type { UpNode } from "./nodes.ts";
import { type RpcCall, RpcClient } from "./rpc-client.ts";
import { type Crash, Supervisor } from "./supervisor.ts";
import { TxLedger } from "./tx-ledger.ts";
import { UsageSampler } from "./usage-sampler.ts";

/** What a network is run with. */
export interface LocalNetworkParts {
	readonly world: World;
	readonly chainId: string;
	readonly home: string;
	readonly nodes: readonly UpNode[];
	readonly fleet: StationFleet;
	/** Script of Node that is `cairn`. */
	readonly program: string;
	readonly onNotice: (notice: Notice) => void;
}

const READING_INTERVAL_MS = 1_000;
const ASK_TIMEOUT_MS = 5_000;
/** Blocks whose transactions the view shows. */
const SHOWN_BLOCKS = 30;
/** After so long without a block people are told. */
const STALL_MS = 30_000;

/** The processes of a network and everything that talks with them. */
export class LocalNetwork {
	readonly #parts: LocalNetworkParts;
	readonly supervisor: Supervisor;
	readonly clients: readonly RpcClient[];
	readonly monitor: Monitor;
	readonly ledger = new TxLedger(refusalReason);
	readonly runner: FleetRunner;
	readonly watch: BlockWatch;
	readonly usage: UsageSampler;
	readonly #links: readonly NodeLink[];
	readonly #blockTxs: number[] = [];
	readonly #notices: Notice[] = [];
	readonly #startedAt: number;
	/** When it was up; null before. */
	#upAt: number | null = null;
	#lastBlockAt: number;
	#stallTold = false;
	#failedAtStart: Crash | null = null;
	phase = "starting";

	constructor(parts: LocalNetworkParts) {
		this.#parts = parts;
		const { world, nodes, fleet } = parts;
		const { clock, timers } = world;
		this.#startedAt = clock.mono();
		this.#lastBlockAt = this.#startedAt;
		this.supervisor = new Supervisor(
			nodes.map((node) => processOf(node, parts.program)),
			{
				clock,
				timers,
				events: { crashed: (crash) => this.#crashed(crash), restarted: (name) => this.#restarted(name) },
			},
		);
		this.clients = nodes.map((node) => new RpcClient(node.rpc));
		this.monitor = new Monitor(this.clients, timers);
		this.usage = new UsageSampler(nodes.length, this.supervisor, clock);
		this.watch = new BlockWatch((calls) => this.ask(calls), { final: (block) => this.#final(block) });
		this.#links = nodes.map(
			(node) => new NodeLink(node.rpc, timers, { block: (block) => this.watch.announced(block, clock.mono()) }),
		);
		this.runner = new FleetRunner({
			source: fleet,
			takers: this.#links,
			ledger: this.ledger,
			ask: (calls) => this.ask(calls),
			clock,
			timers,
			intervalMs: READING_INTERVAL_MS,
		});
	}

	/** A process that ended by itself with an error before the network was up; null where there is none. */
	get failedAtStart(): Crash | null {
		return this.#failedAtStart;
	}

	get notices(): readonly Notice[] {
		return this.#notices;
	}

	/** How long the network has been up, in milliseconds; 0 before. */
	get upMs(): number {
		return this.#upAt === null ? 0 : this.#parts.world.clock.mono() - this.#upAt;
	}

	/** The processes answer: follows their blocks from now on. */
	up(): void {
		this.phase = "running";
		this.#upAt = this.#parts.world.clock.mono();
		this.#lastBlockAt = this.#upAt;
		for (const link of this.#links) link.start();
	}

	/** Asks the nodes in turn until one answers. @throws CairnError where none does */
	async ask(calls: readonly RpcCall[]): Promise<readonly unknown[]> {
		let failure: unknown = new CairnError("rpc", "operator", "there is no node to ask");
		const { readings } = this.monitor;
		const order = this.clients
			.map((client, index) => ({ client, reading: readings[index] ?? SILENT }))
			.sort((a, b) => Number(b.reading.reachable) - Number(a.reading.reachable) || b.reading.height - a.reading.height);
		for (const { client } of order) {
			try {
				return await client.batch(calls, ASK_TIMEOUT_MS);
			} catch (cause) {
				failure = cause;
			}
		}
		throw failure;
	}

	/** A node is down for good: waiting for it makes no sense. */
	get isHopeless(): boolean {
		return this.supervisor.states().includes("down");
	}

	/** Lets go of the nodes: no more calls, links, looks. */
	detach(): void {
		this.runner.end();
		this.monitor.stop();
		this.usage.stop();
		for (const link of this.#links) link.stop();
	}

	notice(level: Notice["level"], text: string, details: readonly string[] = []): void {
		const date = new Date(Number(this.#parts.world.clock.wall() / 1_000_000n));
		const notice = { time: date.toTimeString().slice(0, 8), level, text, details };
		this.#notices.push(notice);
		if (this.#notices.length > 100) this.#notices.shift();
		this.#parts.onNotice(notice);
	}

	/** Everything there is to show. */
	model(remainingMs: number | null): UpModel {
		const { world, chainId, home, nodes, fleet } = this.#parts;
		const now = world.clock.mono();
		const rows = this.#rows(nodes);
		const leader = rows.reduce<NodeRow | null>(
			(best, row) => (row.reading.nextHeight > (best?.reading.nextHeight ?? 0) ? row : best),
			null,
		);
		const proposer = rows.find(({ reading }) => reading.address !== "" && reading.address === leader?.reading.proposer);
		return {
			chainId,
			home,
			phase: this.phase,
			runningMs: now - this.#startedAt,
			remainingMs,
			nodes: rows,
			height: Math.max(this.watch.height, ...rows.map(({ reading }) => reading.height)),
			round: leader?.reading.round ?? 0,
			proposer: proposer?.name ?? "",
			blockIntervalMs: this.watch.intervalMs,
			txPerSecond: this.watch.txPerSecond(now),
			blockTxs: this.#blockTxs,
			devices: fleet.devices,
			sent: this.ledger.sent,
			committed: this.ledger.committed,
			pending: this.ledger.pendingCount,
			refused: this.ledger.refused,
			latencyP50: this.ledger.recentLatency(0.5),
			latencyP99: this.ledger.recentLatency(0.99),
			notices: this.#notices,
		};
	}

	/** Tells people once where no block has come for long. */
	checkStall(): void {
		if (this.phase !== "running" || this.#stallTold) return;
		const silence = this.#parts.world.clock.mono() - this.#lastBlockAt;
		if (silence < STALL_MS) return;
		this.#stallTold = true;
		this.notice("bad", `no block for ${STALL_MS / 1_000} s after height ${this.watch.height}: see the nodes' logs`);
	}

	#rows(nodes: readonly UpNode[]): readonly NodeRow[] {
		const states = this.supervisor.states();
		return nodes.map(({ name, rpc, metrics }, index) => ({
			name,
			rpc,
			metrics,
			state: states[index] ?? "stopped",
			reading: this.monitor.readings[index] ?? SILENT,
			...this.usage.of(index),
		}));
	}

	#final(block: AnnouncedBlock): void {
		const now = this.#parts.world.clock.mono();
		this.#lastBlockAt = now;
		if (this.#stallTold) {
			this.#stallTold = false;
			this.notice("info", `blocks again, at height ${block.height}`);
		}
		this.#blockTxs.push(block.txs.length);
		if (this.#blockTxs.length > SHOWN_BLOCKS) this.#blockTxs.shift();
		this.ledger.final(block, now);
	}

	#crashed(crash: Crash): void {
		const { name, end, restartInMs } = crash;
		const how = end.signal === null ? `exit code ${end.code ?? "unknown"}` : end.signal;
		const then =
			restartInMs === null ? "it ended too often and stays down" : `it starts again in ${restartInMs / 1_000} s`;
		if (this.#upAt === null && (end.code !== null || restartInMs === null)) this.#failedAtStart = crash;
		this.notice("bad", `${name} ended by itself (${how}); ${then}`, end.tail);
	}

	#restarted(name: string): void {
		this.notice("info", `${name} was started again`);
	}
}

function processOf(node: UpNode, program: string): NodeProcessSpec {
	return { name: node.name, script: [program, "start", "--home", node.home], logFile: node.logFile };
}
