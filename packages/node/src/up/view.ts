import { type NodeRow, type Notice, refusalsText, sumOf, type UpModel } from "./model.ts";
import { clockText, countText, megabytesText, millisecondsText, plural } from "./numbers.ts";

/** What a piece of text means; the terminal decides what that looks like. */
export type Style = "plain" | "title" | "dim" | "good" | "bad" | "strong";

/** Paints a piece of text that has one style. */
export type Paint = (style: Style, text: string) => string;

export const withoutColors: Paint = (_, text) => text;

type Piece = readonly [style: Style, text: string];

/** Notices that are shown. */
const NOTICES = 5;
/** Most nodes that have a row of their own. */
const MAX_ROWS = 16;
const BARS = "▁▂▃▄▅▆▇█";

/**
 * The live view: lines of at most `width` letters. Pure: the same model gives the same lines. `paint` may add
 * what takes no room on the screen.
 */
export function renderView(model: UpModel, width: number, paint: Paint = withoutColors): string[] {
	const lines: (readonly Piece[])[] = [
		heading(model),
		[],
		...nodeTable(model),
		[],
		chainLine(model),
		[],
		...fleetLines(model),
		[],
		...addressLines(model),
		...noticeLines(model.notices),
		[],
		[["dim", "Ctrl-C stops in order; the same command continues this chain."]],
	];
	return lines.map((pieces) => fit([["plain", " "], ...pieces], width, paint));
}

function heading({ chainId, runningMs, remainingMs, phase }: UpModel): readonly Piece[] {
	const left = remainingMs === null ? "" : `, ${clockText(Math.max(0, remainingMs))} to go`;
	return [
		["title", "Cairn"],
		["plain", `  ${chainId}  `],
		[phase === "running" ? "good" : "strong", phase],
		["dim", `  ${clockText(runningMs)}${left}`],
	];
}

const HEADER = "NODE     HEIGHT  ROUND  PEERS   CPU     MEMORY  STATE";

function nodeTable({ nodes, proposer }: UpModel): (readonly Piece[])[] {
	const rows = nodes.slice(0, MAX_ROWS).map((node) => nodeRow(node, node.name === proposer));
	const more = nodes.length - rows.length;
	return [[["dim", HEADER]], ...rows, ...(more > 0 ? [[["dim", `and ${plural(more, "node")} more`] as const]] : [])];
}

function nodeRow(node: NodeRow, isProposer: boolean): readonly Piece[] {
	const { name, reading, cpuShare, rssBytes } = node;
	const cpu = cpuShare === null ? "–" : `${Math.round(cpuShare * 100)} %`;
	const cells = [
		name.padEnd(7),
		countText(reading.height).padStart(8),
		String(reading.round).padStart(7),
		String(reading.peers).padStart(7),
		cpu.padStart(6),
		megabytesText(rssBytes).padStart(11),
	];
	const [style, text] = nodeState(node);
	return [["plain", `${cells.join("")}  `], [style, text], ...(isProposer ? [["strong", "  proposes"] as const] : [])];
}

function nodeState({ state, reading }: NodeRow): Piece {
	if (state === "down") return ["bad", "down: see its log"];
	if (state === "restarting") return ["bad", "crashed, starts again"];
	if (state === "stopped") return ["dim", "stopped"];
	if (!reading.reachable) return reading.address === "" ? ["dim", "starting"] : ["bad", "does not answer"];
	return reading.catchingUp ? ["strong", "catching up"] : ["good", "ok"];
}

function chainLine({ height, round, proposer, blockIntervalMs }: UpModel): readonly Piece[] {
	return [
		["dim", "height "],
		["strong", countText(height)],
		["dim", "   round "],
		[round === 0 ? "plain" : "bad", String(round)],
		["dim", "   proposer "],
		["plain", proposer === "" ? "–" : proposer],
		["dim", "   a block every "],
		["plain", millisecondsText(blockIntervalMs)],
	];
}

function fleetLines(model: UpModel): (readonly Piece[])[] {
	const { devices, sent, committed, pending, refused, txPerSecond, blockTxs } = model;
	if (devices === 0) return [[["dim", "no devices"]]];
	return [
		[
			["dim", "fleet    "],
			["plain", `${plural(devices, "device")}, ${txPerSecond.toFixed(1)} tx/s   `],
			["dim", sparkline(blockTxs)],
		],
		[
			["dim", "readings "],
			["plain", `${countText(sent)} sent, `],
			["good", `${countText(committed)} accepted`],
			["plain", `, ${countText(pending)} under way, ${countText(sumOf(refused))} refused`],
		],
		...(refused.size === 0 ? [] : [[["dim", `refused  ${refusalsText(refused, 5)}`] as const]]),
		[
			["dim", "latency  "],
			["plain", `to finality p50 ${millisecondsText(model.latencyP50)}, p99 ${millisecondsText(model.latencyP99)}`],
		],
	];
}

/** Heights of the last blocks' numbers of transactions, the tallest bar for the most. */
function sparkline(values: readonly number[]): string {
	const most = Math.max(1, ...values);
	return values.map((value) => BARS.charAt(Math.round((value / most) * (BARS.length - 1)))).join("");
}

function addressLines({ nodes, home }: UpModel): (readonly Piece[])[] {
	const [first] = nodes;
	if (first === undefined) return [];
	const ports = (addresses: readonly string[]): string =>
		addresses.map((address) => address.replace(/^.*:/, ":")).join(" ");
	const rest = nodes.slice(1, MAX_ROWS);
	const metrics = rest.flatMap((node) => (node.metrics === null ? [] : [node.metrics]));
	const metricsPiece: readonly Piece[] =
		first.metrics === null
			? []
			: [
					["dim", "metrics  "],
					["plain", `http://${first.metrics}/metrics`],
					["dim", ` ${ports(metrics)}`],
				];
	return [
		[
			["dim", "RPC      "],
			["plain", `http://${first.rpc}`],
			["dim", ` ${ports(rest.map((node) => node.rpc))}`],
		],
		...(metricsPiece.length === 0 ? [] : [metricsPiece]),
		[
			["dim", "logs     "],
			["plain", `${home}/node*/cairn.log`],
		],
	];
}

function noticeLines(notices: readonly Notice[]): (readonly Piece[])[] {
	const shown = notices.slice(-NOTICES);
	if (shown.length === 0) return [];
	return [
		[],
		...shown.map(({ time, level, text }): readonly Piece[] => [
			["dim", `${time} `],
			[level === "bad" ? "bad" : "plain", text],
		]),
	];
}

/** Cuts pieces to a width, with `…` where something is missing. Control characters never reach the screen. */
function fit(pieces: readonly Piece[], width: number, paint: Paint): string {
	let left = Math.max(0, width);
	let line = "";
	for (const [style, raw] of pieces) {
		const letters = [...raw.replace(/\p{Cc}/gu, " ")];
		if (letters.length === 0) continue;
		if (letters.length > left) {
			return left === 0 ? line : line + paint(style, `${letters.slice(0, left - 1).join("")}…`);
		}
		line += paint(style, letters.join(""));
		left -= letters.length;
	}
	return line.trimEnd();
}
