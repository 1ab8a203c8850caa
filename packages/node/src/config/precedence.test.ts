import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { lookup, variableOf } from "./environment.ts";
import { chooseHome } from "./home.ts";
import { resolveConfig } from "./resolve.ts";
import { DEFAULTS, KNOWN_KEYS } from "./schema.ts";

const texts = KNOWN_KEYS.filter(
	(known) => typeof known.key.fallback === "string" && /address|path|name$/.test(known.key.kind.name),
);
const SOURCES = ["flag", "CAIRN_", "CMT", "CMT_", "file"] as const;

test("flag over CAIRN_ over CMT over CMT_ over file over default, key by key", () => {
	assert.ok(texts.length > 15);
	const given = fc.subarray([...SOURCES]);
	fc.assert(
		fc.property(fc.array(given, { minLength: texts.length, maxLength: texts.length }), (perKey) => {
			const flags = new Map<string, string>();
			const environment: Record<string, string> = {};
			const tables = new Map<string, string[]>();
			const expected = new Map<string, unknown>();
			for (const [index, known] of texts.entries()) {
				const sources = perKey[index] ?? [];
				const value = (source: string) => `${source.replaceAll("_", "x")}${index}`;
				for (const source of sources) {
					if (source === "flag") flags.set(known.dotted, value(source));
					else if (source === "file") {
						const lines = tables.get(known.section.path) ?? [];
						lines.push(`${known.name} = "${value(source)}"`);
						tables.set(known.section.path, lines);
					} else environment[`${source}${variableOf(known)}`] = value(source);
				}
				const winner = sources[0];
				const fallback = known.dotted === "moniker" ? "host" : DEFAULTS.get(known.dotted);
				expected.set(known.dotted, winner === undefined ? fallback : value(winner));
			}
			const text = [...tables].map(([path, lines]) => `${path === "" ? "" : `[${path}]`}\n${lines.join("\n")}`);
			text.sort((a, b) => Number(a.startsWith("[")) - Number(b.startsWith("[")));
			const { values } = resolveConfig({
				home: "/h",
				file: { path: "/h/config/config.toml", text: text.join("\n") },
				environment,
				flags,
				hostname: "host",
			});
			for (const [key, value] of expected) assert.equal(values.get(key), value, key);
		}),
	);
});

test("the version of the file's format is the file's alone", () => {
	const environment = { CAIRN_VERSION: "v7", CMT_VERSION: "v7" };
	const { config, warnings } = resolveConfig({ home: "/h", environment, flags: new Map(), hostname: "" });
	assert.equal(config.base.version, "0.39.0");
	assert.deepEqual(warnings, []);
});

test("an empty variable counts as absent, as in CometBFT", () => {
	const { config, origins } = resolveConfig({
		home: "/h",
		environment: { CAIRN_P2P_LADDR: "", CMT_P2P_LADDR: "tcp://1.2.3.4:5" },
		flags: new Map(),
		hostname: "",
	});
	assert.equal(config.p2p.laddr, "tcp://1.2.3.4:5");
	assert.equal(origins.get("p2p.laddr"), "environment variable CMT_P2P_LADDR");
	assert.equal(origins.get("rpc.laddr"), "default");
});

test("keys of [cairn] have no second CAIRN_ in their variable and listen to no CMT_ variable", () => {
	const resolve = (environment: Record<string, string>) =>
		resolveConfig({ home: "/h", environment, flags: new Map(), hostname: "" }).config.cairn.stopTimeout;
	assert.equal(resolve({ CAIRN_STOP_TIMEOUT: "3s" }), 3_000);
	assert.equal(resolve({ CMT_STOP_TIMEOUT: "3s", CMTSTOP_TIMEOUT: "3s" }), 20_000);
});

test("no two keys share a variable", () => {
	const names = KNOWN_KEYS.map(variableOf);
	assert.equal(new Set(names).size, names.length);
	assert.ok(!names.includes("HOME") && !names.includes("TRACE"));
});

test("CMTHOME wins over CMT_HOME", () => {
	assert.deepEqual(lookup({ CMTHOME: "/a", CMT_HOME: "/b" }, "HOME"), { variable: "CMTHOME", value: "/a" });
});

test("the home folder: flag, CAIRN_HOME, CMTHOME, CMT_HOME, TMHOME, ~/.cairn", () => {
	const all = { CAIRN_HOME: "/cairn", CMTHOME: "/cmt", CMT_HOME: "/cmt_", TMHOME: "/tm" };
	const order = ["CAIRN_HOME", "CMTHOME", "CMT_HOME", "TMHOME"] as const;
	assert.deepEqual(chooseHome("/flag", all, "/user"), { path: "/flag", chosenBy: "--home" });
	const left: Partial<Record<string, string>> = { ...all };
	for (const variable of order) {
		assert.deepEqual(chooseHome(undefined, left, "/user"), { path: all[variable], chosenBy: variable });
		delete left[variable];
	}
	assert.deepEqual(chooseHome(undefined, {}, "/user"), { path: "/user/.cairn", chosenBy: "default" });
});
