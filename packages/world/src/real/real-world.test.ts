import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { CairnError, type KeyValueStore, utf8 } from "@cairn/kit";
import { diskSuite } from "../suites/disk-suite.ts";
import { collect, connectPair, networkSuite } from "../suites/network-suite.ts";
import { storeSuite } from "../suites/store-suite.ts";
import { diskError } from "./os-errors.ts";
import { realWorld } from "./real-world.ts";

const root = mkdtempSync(join(tmpdir(), "cairn-world-"));
const world = realWorld();
let count = 0;
after(() => rmSync(root, { recursive: true, force: true }));

function freshPath(): string {
	return join(root, `d${count++}`);
}

diskSuite("real disk", async () => {
	const path = freshPath();
	await world.disk.makeDirectory(path);
	return { disk: world.disk, root: path };
});

const places = new Map<KeyValueStore, string>();
async function openAt(path: string): Promise<KeyValueStore> {
	const store = await world.disk.openStore(path);
	places.set(store, path);
	return store;
}
storeSuite(
	"LevelDB",
	() => openAt(freshPath()),
	async (store) => {
		await store.close();
		return openAt(places.get(store) ?? "");
	},
);

networkSuite("sockets", world.network, { tcp: "tcp://127.0.0.1:0", unix: `unix://${join(root, "socket")}` });

describe("real clock and timers", () => {
	it("agrees with the system time and never goes back", () => {
		const mono = world.clock.mono();
		let last = world.clock.wall();
		for (let i = 0; i < 1000; i++) {
			const now = world.clock.wall();
			assert.ok(now >= last);
			last = now;
		}
		assert.ok(Math.abs(Number(last / 1_000_000n) - Date.now()) < 50);
		assert.ok(world.clock.mono() > mono);
	});

	it("fires once, not early, and not when cancelled", async () => {
		const fired: string[] = [];
		world.timers.after(0, () => fired.push("cancelled")).cancel();
		world.timers.after(1, () => fired.push("cancelled")).cancel();
		const far = world.timers.after(3e9, () => fired.push("cancelled"));
		await new Promise<void>((resolve) => {
			world.timers.after(5, () => fired.push("later"));
			world.timers.after(0, () => fired.push("soon"));
			world.timers.after(9.5, resolve);
		});
		far.cancel();
		assert.deepEqual(fired, ["soon", "later"]);
	});

	it("gives random bytes", () => {
		assert.notDeepEqual(world.random.bytes(32), world.random.bytes(32));
		assert.equal(world.random.bytes(0).length, 0);
	});
});

describe("real disk: faults", () => {
	it("writes files that only their owner reads unless told", async () => {
		await world.disk.writeAtomic(join(root, "secret"), utf8("x"));
		await world.disk.writeAtomic(join(root, "public"), utf8("x"), 0o644);
		assert.equal(statSync(join(root, "secret")).mode & 0o777, 0o600);
		assert.equal(statSync(join(root, "public")).mode & 0o777, 0o644);
	});

	it("says what to do about a full and a read-only disk", () => {
		const full = diskError(Object.assign(new Error("write"), { code: "ENOSPC" }), "writing", "/data/cs.wal/wal");
		assert.equal(full.code, "disk-full");
		assert.match(full.message, /writing \/data\/cs\.wal\/wal failed: the disk is full; free space/);
		const readOnly = diskError(Object.assign(new Error("open"), { code: "EROFS" }), "opening", "/data/x");
		assert.equal(readOnly.code, "disk-read-only");
		assert.equal(readOnly.blame, "operator");
	});

	it("makes no further promise after a write that failed", { skip: !hasFullDevice() }, async () => {
		const file = await world.disk.openAppend("/dev/full");
		file.append(utf8("x"));
		await assert.rejects(file.sync(), { code: "disk-full", blame: "operator" });
		assert.throws(() => file.append(utf8("y")), { code: "disk-full" });
		await assert.rejects(file.sync(), { code: "disk-full" });
		await file.close();
	});
});

describe("LevelDB: faults", () => {
	it("tells that the database is open elsewhere", async () => {
		const path = freshPath();
		const store = await world.disk.openStore(path);
		await assert.rejects(world.disk.openStore(path), (error) => {
			assert.ok(error instanceof CairnError);
			assert.equal(error.code, "store-locked");
			assert.ok(error.message.includes(path));
			return true;
		});
		await store.close();
	});

	it("sees the lock of goleveldb, which is of another kind", { skip: !hasFlock() }, async () => {
		const path = freshPath();
		await (await world.disk.openStore(path)).close();
		const child = spawn("flock", ["-x", join(path, "LOCK"), "sh", "-c", "echo locked; read line"]);
		try {
			await new Promise((resolve) => {
				child.stdout.once("data", resolve);
			});
			await assert.rejects(world.disk.openStore(path), { code: "store-locked" });
		} finally {
			child.stdin.end("\n");
			await new Promise((resolve) => {
				child.once("exit", resolve);
			});
		}
		await (await world.disk.openStore(path)).close();
	});

	it("tells that the files are damaged", async () => {
		const path = freshPath();
		const store = await world.disk.openStore(path);
		await store.write([{ key: utf8("k"), value: utf8("v") }], { sync: true });
		await store.close();
		for (const name of readdirSync(path)) {
			if (name.startsWith("MANIFEST")) writeFileSync(join(path, name), "garbage that is no manifest at all");
		}
		await assert.rejects(world.disk.openStore(path), (error) => {
			assert.ok(error instanceof CairnError);
			assert.equal(error.code, "store-corrupt");
			assert.equal(error.blame, "operator");
			assert.ok(error.message.includes(path));
			return true;
		});
	});

	it("cannot be opened where a file is", async () => {
		const path = freshPath();
		writeFileSync(path, "a file");
		await assert.rejects(world.disk.openStore(path), { blame: "operator" });
	});
});

describe("sockets: faults", () => {
	it("takes over the socket file of a process that died, and only that", async () => {
		const path = join(root, "left-over");
		const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => console.log("up"))`;
		const child = spawn(process.execPath, ["-e", script]);
		await new Promise((resolve) => {
			child.stdout.once("data", resolve);
		});
		await assert.rejects(
			world.network.listen(`unix://${path}`, () => undefined),
			{ code: "address-in-use" },
		);
		child.kill("SIGKILL");
		await new Promise((resolve) => {
			child.once("exit", resolve);
		});
		const { dialled, accepted, listener } = await connectPair(world.network, `unix://${path}`);
		const received = collect(accepted);
		dialled.write(utf8("alive"));
		dialled.end();
		assert.deepEqual((await received).bytes, utf8("alive"));
		await listener.close();
		writeFileSync(path, "no socket");
		await assert.rejects(
			world.network.listen(`unix://${path}`, () => undefined),
			{ code: "address-in-use" },
		);
		assert.equal(statSync(path).size, 9);
	});

	it("reports a connection that was reset", async () => {
		const server = createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
		await new Promise<void>((resolve) => {
			server.listen(0, "127.0.0.1", resolve);
		});
		const { port } = server.address() as { port: number };
		const connection = await world.network.dial(`tcp://127.0.0.1:${port}`, 1000);
		connection.write(utf8("hello"));
		const { error } = await collect(connection);
		assert.ok(error instanceof CairnError);
		assert.equal(error.code, "connection-lost");
		server.close();
	});

	it("names the ends of a connection as ip:port, IPv4 also when listening on every interface", async () => {
		const remotes: string[] = [];
		const listener = await world.network.listen("tcp://:0", (connection) => {
			remotes.push(connection.remoteAddress);
			connection.destroy();
		});
		const port = Number(listener.address.split(":").at(-1));
		const socket = createConnection(port, "127.0.0.1");
		await new Promise((resolve) => {
			socket.once("close", resolve);
			socket.resume();
		});
		assert.match(remotes[0] ?? "", /^127\.0\.0\.1:\d+$/);
		await listener.close();
	});

	it("gives up dialling in time", async () => {
		// Addresses of TEST-NET-1 answer nobody; a machine without a route says so at once.
		await assert.rejects(world.network.dial("tcp://192.0.2.1:9", 50), { blame: "peer" });
	});
});

function hasFullDevice(): boolean {
	return statSync("/dev/full", { throwIfNoEntry: false }) !== undefined;
}

function hasFlock(): boolean {
	return statSync("/usr/bin/flock", { throwIfNoEntry: false }) !== undefined;
}
