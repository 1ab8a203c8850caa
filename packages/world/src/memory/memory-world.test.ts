import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CairnError, type KeyValueStore, utf8 } from "@cairn/kit";
import { diskSuite } from "../suites/disk-suite.ts";
import { collect, connectPair, networkSuite } from "../suites/network-suite.ts";
import { storeSuite } from "../suites/store-suite.ts";
import { ManualTime, settle } from "./manual-time.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { MemoryNetwork } from "./memory-network.ts";
import { memoryNetwork, memoryWorld } from "./memory-world.ts";
import { SeededRandom } from "./seeded-random.ts";

diskSuite("memory disk", async () => {
	const disk = new MemoryDisk();
	await disk.makeDirectory("/home/node");
	return { disk, root: "/home/node" };
});

const shared = new MemoryDisk();
const places = new Map<KeyValueStore, string>();
async function openAt(path: string): Promise<KeyValueStore> {
	const store = await shared.openStore(path);
	places.set(store, path);
	return store;
}
let count = 0;
storeSuite(
	"memory store",
	() => openAt(`/s${count++}`),
	async (store) => {
		await store.close();
		return openAt(places.get(store) ?? "");
	},
);

networkSuite("memory network", memoryNetwork().host("127.0.0.1"), { tcp: "tcp://127.0.0.1:0", unix: "unix:///sock" });

describe("memory disk: crashes", () => {
	it("loses appended bytes that were not synced, and lets some survive if told", async () => {
		const disk = new MemoryDisk();
		const file = await disk.openAppend("/log");
		file.append(utf8("synced"));
		await file.sync();
		file.append(utf8("flushed"));
		file.flush();
		file.append(utf8("pending"));
		disk.crash({ keepBytes: (_, unsynced) => unsynced - 4 });
		assert.deepEqual(await disk.read("/log"), utf8("syncedflu"));
		file.append(utf8("from a dead owner"));
		file.flush();
		assert.deepEqual(await disk.read("/log"), utf8("syncedflu"));
		const again = await disk.openAppend("/log");
		again.append(utf8("!"));
		again.flush();
		disk.crash();
		assert.deepEqual(await disk.read("/log"), utf8("syncedflu"));
	});

	it("does not make durable what is appended while a sync runs", async () => {
		const time = new ManualTime();
		const slow = (): Promise<void> => new Promise((resolve) => time.after(10, resolve));
		const disk = new MemoryDisk();
		const file = await disk.openAppend("/log");
		disk.setHooks({ delay: (operation) => (operation === "sync" ? slow() : undefined) });
		file.append(utf8("a"));
		const synced = file.sync();
		file.append(utf8("b"));
		file.flush();
		await time.advance(10);
		await synced;
		disk.crash();
		assert.deepEqual(await disk.read("/log"), utf8("a"));
	});

	it("never resolves a promise that the crash broke", async () => {
		const time = new ManualTime();
		const disk = new MemoryDisk({ delay: () => new Promise((resolve) => time.after(10, resolve)) });
		let resolved = false;
		void disk.writeAtomic("/state", utf8("new")).then(() => {
			resolved = true;
		});
		await settle();
		disk.crash();
		await time.advance(100);
		assert.equal(resolved, false);
		assert.equal(disk.peek("/state"), undefined);
	});

	it("loses unsynced batches of a store whole, youngest first", async () => {
		const disk = new MemoryDisk();
		const store = await disk.openStore("/db");
		await store.write([
			{ key: utf8("a"), value: utf8("1") },
			{ key: utf8("b"), value: utf8("1") },
		]);
		await store.write([{ key: utf8("c"), value: utf8("1") }], { sync: true });
		await store.write([
			{ key: utf8("a"), value: utf8("2") },
			{ key: utf8("b"), remove: true },
		]);
		await store.write([{ key: utf8("d"), value: utf8("3") }]);
		disk.crash({ keepBatches: () => 1 });
		assert.throws(() => store.get(utf8("a")), { code: "invariant" });
		const again = await disk.openStore("/db");
		assert.deepEqual(again.get(utf8("a")), utf8("2"));
		assert.equal(again.get(utf8("b")), undefined);
		assert.deepEqual(again.get(utf8("c")), utf8("1"));
		assert.equal(again.get(utf8("d")), undefined);
		await assert.rejects(disk.openStore("/db"), { code: "store-locked" });
	});

	it("fails operations as told and poisons the file", async () => {
		const full = new CairnError("disk-full", "operator", "the disk is full");
		const disk = new MemoryDisk();
		const file = await disk.openAppend("/log");
		file.append(utf8("x"));
		disk.setHooks({ fail: (operation) => (operation === "sync" ? full : undefined) });
		await assert.rejects(file.sync(), { code: "disk-full" });
		disk.setHooks({});
		await assert.rejects(file.sync(), { code: "disk-full" });
	});
});

describe("manual time", () => {
	it("fires in order of due time, then of setting, and lets promises settle in between", async () => {
		const time = new ManualTime(1000n);
		const events: string[] = [];
		time.after(5, () => events.push("b"));
		time.after(1, () => {
			events.push("a");
			void Promise.resolve().then(() => events.push("a'"));
			time.after(4, () => events.push("d"));
		});
		time.after(5, () => events.push("c"));
		time.after(2, () => events.push("never")).cancel();
		time.after(6, () => events.push("late"));
		await time.advance(5);
		assert.deepEqual(events, ["a", "a'", "b", "c", "d"]);
		assert.equal(time.mono(), 5);
		assert.equal(time.wall(), 1000n + 5_000_000n);
		assert.equal(time.nextDue, 6);
		time.jumpWall(-500n);
		assert.equal(time.wall(), 500n + 5_000_000n);
		assert.equal(time.step(), true);
		assert.equal(time.step(), false);
	});

	it("keeps thousands of timers in order", () => {
		const time = new ManualTime();
		const random = new SeededRandom(7).bytes(4000);
		const fired: number[] = [];
		for (const byte of random) time.after(byte, () => fired.push(byte));
		while (time.step());
		assert.deepEqual(
			fired,
			[...random].sort((a, b) => a - b),
		);
	});
});

describe("memory network", () => {
	it("delays by the hand of time and keeps the order", async () => {
		const time = new ManualTime();
		const delays = [30, 10, 0, 0];
		const net = new MemoryNetwork({ time, delay: () => delays.shift() ?? 0 });
		const listening = await net.host("10.0.0.1").listen("tcp://0.0.0.0:26656", (connection) => {
			connection.onData = (bytes) => connection.write(bytes);
		});
		assert.equal(listening.address, "10.0.0.1:26656");
		const connection = await net.host("10.0.0.2").dial("tcp://10.0.0.1:26656", 1000);
		const received: Uint8Array[] = [];
		connection.onData = (bytes) => received.push(bytes);
		connection.write(utf8("1"));
		connection.write(utf8("2"));
		await time.advance(29);
		assert.deepEqual(received, []);
		await time.advance(1);
		assert.deepEqual(received, [utf8("1"), utf8("2")]);
	});

	it("lets nobody reach who is cut off, and breaks the connections of a dead machine", async () => {
		const time = new ManualTime();
		let cut = true;
		const net = new MemoryNetwork({ time, reachable: () => !cut });
		await net.host("10.0.0.1").listen("tcp://10.0.0.1:1", (connection) => {
			connection.onData = () => undefined;
		});
		const failing = assert.rejects(net.host("10.0.0.2").dial("tcp://10.0.0.1:1", 50), { code: "dial-timeout" });
		await time.advance(50);
		await failing;
		cut = false;
		net.setName("node0", ["10.0.0.1"]);
		const connection = await net.host("10.0.0.2").dial("tcp://node0:1", 50);
		const closed = collect(connection);
		net.disconnect("10.0.0.1");
		assert.equal((await closed).error?.message.includes("10.0.0.1"), true);
		await assert.rejects(net.host("10.0.0.2").dial("tcp://10.0.0.1:1", 50), { code: "dial-refused" });
	});
});

describe("memory world", () => {
	it("repeats itself from its seed", async () => {
		const [a, b, c] = [memoryWorld({ seed: 1 }), memoryWorld({ seed: 1 }), memoryWorld({ seed: 2 })];
		const first = a.random.bytes(100);
		assert.deepEqual(Uint8Array.of(...b.random.bytes(1), ...b.random.bytes(99)), first);
		assert.notDeepEqual(c.random.bytes(100), first);
		const { dialled, accepted } = await connectPair(a.network, "tcp://127.0.0.1:0");
		assert.equal(dialled.localAddress, accepted.remoteAddress);
	});
});
