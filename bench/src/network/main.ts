// Cairn against CometBFT: the same load through the same RPC, four validators each, one after the other in one run.
// `npm run bench -- [--rate 1000] [--seconds 20] [--only cairn|cometbft]`. Figures are ratios of this run; see bench/README.md.
import { parseArgs } from "node:util";
import { CAIRN, findProgram, type Program, TestNetwork } from "@cairn/e2e";
import { type LoadResult, runLoad } from "./load.ts";
import { usageOf } from "./usage.ts";

const { values } = parseArgs({
	options: {
		rate: { type: "string", default: "1000" },
		seconds: { type: "string", default: "20" },
		warmup: { type: "string", default: "5" },
		only: { type: "string", default: "" },
		best: { type: "boolean", default: false },
		validators: { type: "string", default: "4" },
		profile: { type: "string", default: "" },
	},
});

/** CometBFT's default with the larger mempool that facts/performance.md asks for. */
const DEFAULT_KEYS: readonly (readonly [string, string, string])[] = [
	["mempool", "size", "50000"],
	["mempool", "cache_size", "100000"],
	["", "log_level", '"error"'],
];

/** The configuration that was measured to be CometBFT's best on two cores. */
const BEST_KEYS: readonly (readonly [string, string, string])[] = [
	...DEFAULT_KEYS,
	["tx_index", "indexer", '"null"'],
	["mempool", "recheck", "false"],
	["storage", "discard_abci_responses", "true"],
	["consensus", "timeout_commit", '"0s"'],
	["consensus", "peer_gossip_sleep_duration", '"10ms"'],
	["p2p", "flush_throttle_timeout", '"2ms"'],
	["p2p", "send_rate", "512000000"],
	["p2p", "recv_rate", "512000000"],
	["p2p", "max_packet_msg_payload_size", "65000"],
];

interface Figures extends LoadResult {
	readonly cpuPerThousand: number;
	readonly rssMegabytes: number;
}

async function measure(name: string, program: Program): Promise<Figures> {
	const network = await TestNetwork.create({
		programs: Array.from({ length: Number(values.validators) }, () => program),
		keys: values.best ? BEST_KEYS : DEFAULT_KEYS,
	});
	const profiled = network.nodes[1];
	if (values.profile !== "" && program === CAIRN && profiled !== undefined) {
		const [node = "", ...rest] = CAIRN;
		profiled.program = [node, "--cpu-prof", `--cpu-prof-dir=${values.profile}`, ...rest];
	}
	try {
		network.startAll();
		await network.reachAll(3);
		const pids = network.nodes.map((node) => node.pid);
		const ports = network.nodes.map((node) => node.rpcPort);
		const offer = { perSecond: Number(values.rate), txBytes: 256 };
		// Programs that compile as they run, and heaps that grow, are measured when they have settled.
		await runLoad(ports, { ...offer, run: `${name}-warm`, seconds: Number(values.warmup) });
		const before = pids.map(usageOf);
		const load = await runLoad(ports, { ...offer, run: name, seconds: Number(values.seconds) });
		const after = pids.map(usageOf);
		const cpu = after.reduce((sum, each, index) => sum + each.cpuSeconds - (before[index]?.cpuSeconds ?? 0), 0);
		const rss = after.reduce((sum, each) => sum + each.rssMegabytes, 0) / after.length;
		if (values.profile !== "") await profiled?.stop();
		return { ...load, cpuPerThousand: (cpu * 1000) / Math.max(1, load.committed), rssMegabytes: rss };
	} finally {
		await network.destroy();
	}
}

function show(name: string, figures: Figures): void {
	const { committedPerSecond, p50, p99, cpuPerThousand, rssMegabytes, refused, blocks, sent, committed } = figures;
	console.log(
		`${name.padEnd(10)} ${committedPerSecond.toFixed(0).padStart(6)} tx/s  p50 ${p50.toFixed(0)} ms  p99 ${p99.toFixed(0)} ms  ` +
			`${cpuPerThousand.toFixed(3)} CPU-s/1000  ${rssMegabytes.toFixed(0)} MB/node  ` +
			`${committed}/${sent} committed, ${refused} refused, ${blocks} blocks`,
	);
}

const cometbft = findProgram("cometbft");
const results = new Map<string, Figures>();
console.log(
	`${values.validators} validators, ${values.rate} tx/s of 256 bytes for ${values.seconds} s, ${values.best ? "best" : "default"} configuration`,
);
if (values.only !== "cairn" && cometbft !== null) results.set("cometbft", await measure("cometbft", [cometbft]));
if (values.only !== "cometbft") results.set("cairn", await measure("cairn", CAIRN));
for (const [name, figures] of results) show(name, figures);
const [ours, theirs] = [results.get("cairn"), results.get("cometbft")];
if (ours !== undefined && theirs !== undefined) {
	const ratio = (a: number, b: number): string => (b === 0 ? "-" : (a / b).toFixed(2));
	console.log(
		`ratios     tx/s ${ratio(ours.committedPerSecond, theirs.committedPerSecond)}  p50 ${ratio(ours.p50, theirs.p50)}  ` +
			`p99 ${ratio(ours.p99, theirs.p99)}  CPU ${ratio(ours.cpuPerThousand, theirs.cpuPerThousand)}  memory ${ratio(ours.rssMegabytes, theirs.rssMegabytes)}`,
	);
}
