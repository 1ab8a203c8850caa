import assert from "node:assert/strict";
import { test } from "node:test";
import { normalArguments } from "./arguments.ts";

const FLAGS = [
	{ long: "--home", isBoolean: false },
	{ long: "--proxy_app", isBoolean: false },
	{ long: "--p2p.external-address", isBoolean: false },
	{ long: "--p2p.pex", isBoolean: true },
	{ long: "--trace", isBoolean: true },
	{ long: "--v", isBoolean: false },
];

test("words of a flag may be joined by - or _", () => {
	assert.deepEqual(normalArguments(["--proxy-app", "kvstore", "--p2p.external_address=1.2.3.4:5"], FLAGS), [
		"--proxy_app=kvstore",
		"--p2p.external-address=1.2.3.4:5",
	]);
});

test("a boolean flag never takes the next argument", () => {
	assert.deepEqual(normalArguments(["--trace", "start", "--p2p.pex", "--home", "x"], FLAGS), [
		"--trace=true",
		"start",
		"--p2p.pex=true",
		"--home=x",
	]);
	assert.deepEqual(normalArguments(["--p2p.pex=false"], FLAGS), ["--p2p.pex=false"]);
});

test("every other flag takes the next argument whatever it is", () => {
	assert.deepEqual(normalArguments(["--home", "--trace", "--v", "4"], FLAGS), ["--home=--trace", "--v=4"]);
	assert.deepEqual(normalArguments(["--home"], FLAGS), ["--home"]);
});

test("unknown flags, words, short flags and all after -- stay", () => {
	const args = ["init", "--what_is", "-v", "--", "--proxy-app"];
	assert.deepEqual(normalArguments(args, FLAGS), args);
});
