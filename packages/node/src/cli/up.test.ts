import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import type { UpOptions } from "../up/options.ts";
import { TestCli } from "./test-context.ts";

async function optionsOf(...args: readonly string[]): Promise<UpOptions> {
	const cli = new TestCli();
	const given: UpOptions[] = [];
	cli.runUp = async (options) => {
		given.push(options);
		return true;
	};
	assert.equal(await cli.run("up", ...args), 0, cli.err);
	const [options] = given;
	assert.ok(options);
	return options;
}

const NOTHING: UpOptions = {
	home: resolve(".cairn"),
	validators: null,
	devices: null,
	durationMs: null,
	fresh: false,
	baseIp: null,
	basePort: null,
	reportFile: null,
	tui: true,
};

test("without flags everything is left to the folder and the defaults", async () => {
	assert.deepEqual(await optionsOf(), NOTHING);
});

test("every flag is understood, in both spellings", async () => {
	const flags = ["--validators", "7", "--devices", "0", "--duration", "1m30s", "--fresh", "--base_ip", "127.0.0.9"];
	assert.deepEqual(await optionsOf(...flags, "--base-port=30000", "--report", "r.json", "--no-tui", "--home", "/net"), {
		home: "/net",
		validators: 7,
		devices: 0,
		durationMs: 90_000,
		fresh: true,
		baseIp: "127.0.0.9",
		basePort: 30_000,
		reportFile: resolve("r.json"),
		tui: false,
	});
	assert.equal((await optionsOf("--no-tui=false")).tui, true);
});

test("flags that cannot be are refused with what would be right", async () => {
	const cases: readonly (readonly [flags: readonly string[], message: RegExp])[] = [
		[["--validators", "0"], /0 is too small; write at least 1/],
		[["--validators", "65"], /65 is too large; write at most 64/],
		[["--duration", "30"], /"30" is not a duration; write a number with a unit: "30s"/],
		[["--duration", "0s"], /it is zero; write for example "30s"/],
		[["--base-port", "70000"], /70000 is too large/],
		[["--home", ""], /--home is empty/],
		[["--report="], /--report is empty/],
		[["--no-tui=perhaps"], /"perhaps" is neither true nor false/],
		[["--validator", "3"], /unknown flag --validator of cairn up; did you mean --validators\?/],
	];
	for (const [flags, message] of cases) {
		const cli = new TestCli();
		cli.runUp = () => Promise.reject(new Error("must not run"));
		assert.equal(await cli.run("up", ...flags), 1, flags.join(" "));
		assert.match(cli.err, message);
	}
});

test("nodes that do not agree are an error", async () => {
	const cli = new TestCli();
	cli.runUp = async () => false;
	assert.equal(await cli.run("up"), 1);
	assert.equal(cli.err, "ERROR up-disagree: the nodes do not agree; the report says where, their logs may say why\n");
});
