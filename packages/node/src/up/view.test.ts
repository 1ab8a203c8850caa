import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PlainDisplay } from "./display.ts";
import { SILENT } from "./monitor.ts";
import { statusLine } from "./plain-lines.ts";
import { Screen, withColors } from "./screen.ts";
import { nodeRow, upModel } from "./testing/models.ts";
import { renderView } from "./view.ts";

test("the view shows nodes, chain, fleet and addresses", () => {
	assert.deepEqual(renderView(upModel(), 100), [
		" Cairn  chain-AbCdEf  running  1:23",
		"",
		" NODE     HEIGHT  ROUND  PEERS   CPU     MEMORY  STATE",
		" node0     1,234      0      3  10 %     127 MB  ok",
		" node1     1,234      0      3  10 %     127 MB  ok  proposes",
		" node2     1,234      0      3  10 %     127 MB  ok",
		" node3     1,234      0      3  10 %     127 MB  ok",
		"",
		" height 1,234   round 0   proposer node1   a block every 1.07 s",
		"",
		" fleet    20 devices, 20.0 tx/s   ▁▅█",
		" readings 1,660 sent, 1,600 accepted, 18 under way, 42 refused",
		" refused  bad-signature 30, replay 12",
		" latency  to finality p50 812 ms, p99 1.62 s",
		"",
		" RPC      http://127.0.0.1:26657 :26667 :26677 :26687",
		" metrics  http://127.0.0.1:26658/metrics :26668 :26678 :26688",
		" logs     /net/node*/cairn.log",
		"",
		" Ctrl-C stops in order; the same command continues this chain.",
	]);
});

test("what is wrong with a node stands beside it, and what happened below", () => {
	const model = upModel({
		proposer: "",
		remainingMs: 7_000,
		nodes: [
			nodeRow(0, { state: "restarting" }),
			nodeRow(1, { state: "down", cpuShare: null, rssBytes: null }),
			nodeRow(2, { reading: { ...SILENT, address: "A2", height: 9 } }),
			nodeRow(3, { reading: { ...SILENT, reachable: true, address: "A3", catchingUp: true } }),
			nodeRow(4, { reading: SILENT }),
			nodeRow(5, { state: "stopped" }),
		],
		notices: Array.from({ length: 7 }, (_, index) => ({
			time: "12:00:00",
			level: "bad" as const,
			text: `no. ${index}`,
			details: [],
		})),
	});
	const lines = renderView(model, 100);
	assert.equal(lines[0], " Cairn  chain-AbCdEf  running  1:23, 0:07 to go");
	assert.deepEqual(
		lines.slice(3, 9).map((line) => line.slice(49).trim()),
		["crashed, starts again", "down: see its log", "does not answer", "catching up", "starting", "stopped"],
	);
	assert.match(lines[4] ?? "", /–\s+–/);
	assert.deepEqual(
		lines.slice(-7, -2),
		[2, 3, 4, 5, 6].map((index) => ` 12:00:00 no. ${index}`),
	);
});

test("without devices or metrics their lines are left out; many nodes do not fill the screen", () => {
	const none = renderView(upModel({ devices: 0, nodes: [nodeRow(0, { metrics: null })] }), 100);
	assert.ok(none.includes(" no devices"));
	assert.ok(!none.some((line) => line.includes("metrics")));
	const many = renderView(upModel({ nodes: Array.from({ length: 40 }, (_, index) => nodeRow(index)) }), 100);
	assert.ok(many.includes(" and 24 nodes more"));
	assert.ok(many.length < 40);
});

test("no line is longer than the screen is wide, and nothing from outside moves the cursor", () => {
	const styles: string[] = [];
	fc.assert(
		fc.property(fc.nat(120), fc.string({ unit: "binary" }), (width, text) => {
			const notices = [{ time: "12:00:00", level: "bad" as const, text: `\u001b[2J${text}`, details: [] }];
			for (const line of renderView(upModel({ notices }), width)) {
				assert.ok([...line].length <= width, `${line} in ${width}`);
				assert.doesNotMatch(line, /\p{Cc}/u);
			}
			renderView(upModel({ notices }), width, (style, part) => {
				styles.push(style);
				return part;
			});
		}),
	);
	assert.ok(styles.includes("bad"));
	assert.equal(renderView(upModel(), 20)[0], " Cairn  chain-AbCdE…");
});

test("plain lines say the same in one line", () => {
	assert.equal(
		statusLine(upModel()),
		"1:23  height 1234  round 0  proposer node1  peers 3/3/3/3  20.0 tx/s  accepted 1600  " +
			"refused 42 (bad-signature 30, replay 12)  latency p50 812 ms  p99 1.62 s",
	);
	const down = upModel({ devices: 0, proposer: "", nodes: [nodeRow(0, { state: "restarting" }), nodeRow(1)] });
	assert.equal(statusLine(down), "1:23  height 1234  round 0  proposer -  peers -/3");
});

test("plain lines come with new blocks, at most one a second, and now and then without", () => {
	const printed: string[] = [];
	const display = new PlainDisplay((text) => printed.push(text));
	const show = (runningMs: number, height: number): number => {
		display.show(upModel({ runningMs, height }));
		return printed.length;
	};
	display.show(upModel({ phase: "starting" }));
	assert.deepEqual(
		[show(0, 1), show(500, 2), show(1_000, 2), show(1_500, 3), show(2_100, 3), show(6_000, 3), show(7_200, 3)],
		[1, 1, 2, 2, 3, 3, 4],
	);
	display.notice({ time: "12:00:00", level: "bad", text: "node1 ended", details: ["last line"] });
	assert.equal(printed.at(-1), "!!! 12:00:00 node1 ended\n    last line\n");
	display.notice({ time: "12:00:00", level: "info", text: "node1 was started again", details: [] });
	assert.equal(printed.at(-1), "12:00:00 node1 was started again\n");
});

/** Terminals obey this much of ECMA-48: placing, erasing to the end of a line, erasing all. */
function terminal(columns: number, rows: number) {
	const size = { columns, rows };
	let lines: string[] = [];
	let written = 0;
	const write = (text: string): void => {
		written += text.length;
		if (text.includes("\u001b[2J")) lines = [];
		for (const piece of text.split("\u001b[")) {
			const [, placed, line] = /^(\d+);1H(.*)$/s.exec(piece) ?? [];
			if (placed === undefined) continue;
			lines[Number(placed) - 1] = line ?? "";
		}
	};
	return { size, write, shown: () => lines, written: () => written };
}

test("only lines that changed are drawn, all of them after a change of size, and none below the screen", () => {
	const { size, write, shown, written } = terminal(80, 3);
	const screen = new Screen({ write, size: () => size });
	screen.draw(() => ["before it is open"]);
	assert.equal(written(), 0);
	screen.open();
	screen.draw(() => ["a", "b", "c", "d"]);
	assert.deepEqual(shown(), ["a", "b", "c"]);
	const before = written();
	screen.draw(() => ["a", "b", "c", "d"]);
	assert.equal(written(), before);
	screen.draw(() => ["a", "B"]);
	assert.deepEqual(shown(), ["a", "B", ""]);
	size.rows = 4;
	screen.draw((width) => ["a", String(width), "c", "d", "e"]);
	assert.deepEqual(shown(), ["a", "80", "c", "d"]);
	const open = written();
	screen.close();
	const closed = written();
	assert.ok(closed > open);
	screen.close();
	screen.draw(() => ["after"]);
	assert.equal(written(), closed);
});

test("colours end where their piece ends", () => {
	assert.equal(withColors("plain", "x"), "x");
	assert.equal(withColors("good", "x"), "\u001b[32mx\u001b[0m");
});
