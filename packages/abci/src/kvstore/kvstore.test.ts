import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addressOf, ed25519KeyFromSecret, publicKeyOf } from "@cairn/crypto";
import { fromUtf8, toBase64, utf8 } from "@cairn/kit";
import { abci, codecByName, readDelimited, textOfBytes } from "@cairn/types/proto";
import { memoryWorld } from "@cairn/world";
import fc from "fast-check";
import type { Application } from "../application.ts";
import { kvStoreAppHash, openKvStore } from "./kvstore.ts";

const KEYS = ["a", "b", "c", "d"].map((name) => publicKeyOf(ed25519KeyFromSecret(utf8(name))));

function key(index: number) {
	const found = KEYS[index];
	assert.ok(found !== undefined);
	return found;
}

function update(index: number, power: bigint): abci.ValidatorUpdate {
	return { pubKey: { sum: { kind: "ed25519", value: key(index).bytes } }, power };
}

function validatorTx(index: number, power: bigint | string, type = "ed25519"): string {
	return `val=${type}!${toBase64(key(index).bytes)}!${power}`;
}

async function codeOf(application: Application, tx: string | Uint8Array): Promise<number> {
	const bytes = typeof tx === "string" ? utf8(tx) : tx;
	return (await application.checkTx(abci.RequestCheckTx.create({ tx: bytes }))).code;
}

async function block(
	application: Application,
	height: number,
	txs: readonly string[],
	misbehavior: readonly abci.Misbehavior[] = [],
): Promise<abci.ResponseFinalizeBlock> {
	const request = { txs: txs.map(utf8), misbehavior, height: BigInt(height) };
	const response = await application.finalizeBlock(abci.RequestFinalizeBlock.create(request));
	await application.commit({});
	return response;
}

function misbehavior(
	index: number,
	power: bigint,
	type: number = abci.MisbehaviorType.DUPLICATE_VOTE,
): abci.Misbehavior {
	const validator = { address: addressOf(key(index)), power };
	return abci.Misbehavior.create({ type, validator, height: 1n });
}

async function started(powers: readonly bigint[]): Promise<Application> {
	const application = await openKvStore();
	const validators = powers.map((power, index) => update(index, power));
	await application.initChain(abci.RequestInitChain.create({ validators, initialHeight: 1n }));
	return application;
}

async function storedValue(application: Application, name: string): Promise<string> {
	const { value } = await application.query(abci.RequestQuery.create({ data: utf8(name) }));
	return fromUtf8(value);
}

describe("kvstore transactions", () => {
	it("judges formats as CometBFT's example (its TestCheckTx and more)", async () => {
		const application = await openKvStore();
		const cases: readonly (readonly [string, number])[] = [
			["hello=world", 0],
			["hello", 2],
			["space:jam", 0],
			["=hello", 2],
			["hello=", 2],
			[":hello", 2],
			["hello:", 2],
			["a=b", 0],
			["a=b=c", 2],
			["a:b:c", 2],
			["a:b=c", 2],
			["", 2],
			["val=hello", 2],
			["val=hi!5", 2],
			[validatorTx(0, 10n), 0],
			[validatorTx(0, 0n), 0],
			[validatorTx(0, 10n, ""), 0],
			[validatorTx(0, "+5"), 0],
			[validatorTx(0, "-0"), 0],
			[validatorTx(0, "-1"), 2],
			[validatorTx(0, "0x10"), 2],
			[validatorTx(0, "1_000"), 2],
			[validatorTx(0, 9223372036854775807n), 0],
			[validatorTx(0, 9223372036854775808n), 2],
			[validatorTx(0, 5n, "secp256k1"), 2],
			[validatorTx(0, 5n, "bls12_381"), 2],
			["val=ed25519!AAAA!5", 2],
			["val=ed25519!not base64!5", 2],
		];
		for (const [tx, code] of cases) assert.equal(await codeOf(application, tx), code, tx);
		const accepted = await application.checkTx(abci.RequestCheckTx.create({ tx: utf8("a=b") }));
		assert.equal(accepted.gasWanted, 1n);
	});

	it("never throws on any bytes, and treats blocks of accepted transactions as acceptable", async () => {
		const application = await started([10n]);
		const tx = fc.oneof(
			fc.uint8Array({ maxLength: 40 }),
			fc.string({ maxLength: 30 }).map((text) => utf8(`val=${text}`)),
			fc.tuple(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 })).map(([a, b]) => utf8(`${a}=${b}`)),
		);
		let height = 0n;
		const property = fc.asyncProperty(fc.array(tx, { maxLength: 6 }), async (txs) => {
			const { txs: kept } = await application.prepareProposal(abci.RequestPrepareProposal.create({ txs }));
			const judged = await application.processProposal(abci.RequestProcessProposal.create({ txs: kept }));
			assert.equal(judged.status, abci.ResponseProcessProposalProposalStatus.ACCEPT);
			height++;
			// Blocks of others may hold anything.
			const response = await application.finalizeBlock(abci.RequestFinalizeBlock.create({ txs, height }));
			assert.equal(response.txResults.length, txs.length);
			const decoded = abci.ResponseFinalizeBlock.decode(abci.ResponseFinalizeBlock.encode(response));
			assert.deepEqual(decoded, response);
			await application.commit({});
		});
		await fc.assert(property, { numRuns: 300 });
	});

	it("rejects a proposal with one bad transaction", async () => {
		const application = await openKvStore();
		const request = abci.RequestProcessProposal.create({ txs: [utf8("a=b"), utf8("nonsense")] });
		const { status } = await application.processProposal(request);
		assert.equal(status, abci.ResponseProcessProposalProposalStatus.REJECT);
	});

	it("shows keys that are not UTF-8 in events, byte for byte", async () => {
		const application = await openKvStore();
		const tx = Uint8Array.of(0xff, 0x3d, 0xfe);
		const request = abci.RequestFinalizeBlock.create({ txs: [tx], height: 1n });
		const { txResults } = await application.finalizeBlock(request);
		const attributes = txResults[0]?.events.map((event) => event.attributes[1]?.value);
		assert.deepEqual(attributes, [textOfBytes(Uint8Array.of(0xff)), textOfBytes(Uint8Array.of(0xfe))]);
	});
});

describe("kvstore blocks", () => {
	it("hashes the number of transactions as Go's PutVarint", () => {
		assert.deepEqual(kvStoreAppHash(0n), new Uint8Array(8));
		assert.deepEqual(kvStoreAppHash(63n), Uint8Array.of(126, 0, 0, 0, 0, 0, 0, 0));
		assert.deepEqual(kvStoreAppHash(64n), Uint8Array.of(0x80, 1, 0, 0, 0, 0, 0, 0));
	});

	it("shows nothing of a block before it is committed", async () => {
		const application = await openKvStore();
		await application.finalizeBlock(abci.RequestFinalizeBlock.create({ txs: [utf8("a=b")], height: 1n }));
		assert.equal(await storedValue(application, "a"), "");
		assert.equal((await application.info(abci.RequestInfo.create())).lastBlockHeight, 0n);
		await application.commit({});
		assert.equal(await storedValue(application, "a"), "b");
		assert.equal((await application.info(abci.RequestInfo.create())).lastBlockHeight, 1n);
	});

	it("finalizing a block again changes nothing", async () => {
		const application = await openKvStore();
		const request = abci.RequestFinalizeBlock.create({ txs: [utf8("a=b")], height: 1n });
		const first = await application.finalizeBlock(request);
		assert.deepEqual(await application.finalizeBlock(request), first);
	});

	it("says what the node may prune", async () => {
		const application = await openKvStore({ retainBlocks: 3n });
		const heights: bigint[] = [];
		for (let height = 1; height <= 5; height++) {
			await application.finalizeBlock(abci.RequestFinalizeBlock.create({ height: BigInt(height) }));
			heights.push((await application.commit({})).retainHeight);
		}
		assert.deepEqual(heights, [0n, 0n, 1n, 2n, 3n]);
	});

	it("emits block events when asked", async () => {
		const application = await openKvStore({ blockEvents: true });
		const odd = await block(application, 1, []);
		const even = await block(application, 2, []);
		assert.deepEqual([odd.events.length, even.events.length], [1, 2]);
		assert.equal(odd.events[0]?.attributes[0]?.value, "400");
	});
});

describe("kvstore validators", () => {
	it("adds, changes and removes (CometBFT's TestValUpdates)", async () => {
		const application = await started([10n, 20n]);
		assert.deepEqual((await block(application, 1, [validatorTx(2, 5n), "a=b"])).validatorUpdates, [update(2, 5n)]);
		assert.deepEqual((await block(application, 2, [validatorTx(0, 0n)])).validatorUpdates, [update(0, 0n)]);
		assert.deepEqual((await block(application, 3, [validatorTx(1, 7n)])).validatorUpdates, [update(1, 7n)]);
		assert.deepEqual((await block(application, 4, ["a=b"])).validatorUpdates, []);
		const query = abci.RequestQuery.create({ path: "/val", data: key(2).bytes });
		const { value } = await application.query(query);
		const stored = readDelimited(value, 0, value.length);
		assert.ok(stored !== undefined);
		assert.deepEqual(codecByName.get("tendermint.abci.ValidatorUpdate")?.decode(stored.message), update(2, 5n));
		const gone = await application.query(abci.RequestQuery.create({ path: "/val", data: key(0).bytes }));
		assert.equal(gone.value.length, 0);
	});

	it("punishes an equivocation by one power, other misbehaviour not at all", async () => {
		const application = await started([10n, 20n]);
		const attack = misbehavior(1, 20n, abci.MisbehaviorType.LIGHT_CLIENT_ATTACK);
		const response = await block(application, 1, [], [misbehavior(0, 10n), attack]);
		assert.deepEqual(response.validatorUpdates, [update(0, 9n)]);
	});

	it("makes one change of many pieces of evidence and transactions about one validator", async () => {
		const application = await started([10n, 20n]);
		const twice = await block(application, 1, [], [misbehavior(0, 10n), misbehavior(0, 10n)]);
		assert.deepEqual(twice.validatorUpdates, [update(0, 9n)]);
		const mixed = await block(application, 2, [validatorTx(0, 3n), validatorTx(0, 4n)], [misbehavior(0, 9n)]);
		assert.deepEqual(mixed.validatorUpdates, [update(0, 4n)]);
	});

	it("takes evidence against a validator that has left", async () => {
		const application = await started([10n, 20n]);
		await block(application, 1, [validatorTx(0, 0n)]);
		assert.deepEqual((await block(application, 2, [], [misbehavior(0, 10n)])).validatorUpdates, []);
	});

	it("makes no change that would halt the chain", async () => {
		const application = await started([10n]);
		assert.deepEqual((await block(application, 1, [validatorTx(0, 0n)])).validatorUpdates, [], "the last validator");
		assert.deepEqual((await block(application, 2, [validatorTx(1, 0n)])).validatorUpdates, [], "a stranger");
		const both = await block(application, 3, [validatorTx(1, 5n), validatorTx(1, 0n)]);
		assert.deepEqual(both.validatorUpdates, [], "a stranger who comes and goes");
		const huge = await block(application, 4, [validatorTx(1, 9223372036854775807n), validatorTx(2, 1n)]);
		assert.deepEqual(huge.validatorUpdates, [update(2, 1n)], "more power than a set may have");
		const none = await block(application, 5, [validatorTx(0, 0n), validatorTx(2, 0n)]);
		assert.deepEqual(none.validatorUpdates, [update(0, 0n)], "both of two");
	});

	it("replaces the whole set at once", async () => {
		const application = await started([10n]);
		const response = await block(application, 1, [validatorTx(0, 0n), validatorTx(1, 5n)]);
		assert.deepEqual(response.validatorUpdates, [update(0, 0n), update(1, 5n)]);
	});

	it("refuses key types that the genesis does not allow, after a restart too", async () => {
		const where = { disk: memoryWorld({ seed: 1 }).disk, path: "data/kvstore.db" };
		const application = await openKvStore(where);
		const secp = `val=secp256k1!${toBase64(new Uint8Array(33).fill(2))}!5`;
		assert.equal(await codeOf(application, secp), 0);
		const validator = { pubKeyTypes: ["ed25519"] };
		const consensusParams = { block: null, evidence: null, validator, version: null, abci: null, authority: null };
		await application.initChain(abci.RequestInitChain.create({ consensusParams }));
		assert.equal(await codeOf(application, secp), 2);
		await application.close?.();
		const again = await openKvStore(where);
		assert.equal(await codeOf(again, secp), 2);
		assert.equal(await codeOf(again, validatorTx(0, 1n)), 0);
	});
});

describe("persistent_kvstore", () => {
	const options = () => {
		const world = memoryWorld({ seed: 1 });
		return { disk: world.disk, path: "data/kvstore.db" };
	};

	it("goes on where it stopped", async () => {
		const where = options();
		const first = await openKvStore(where);
		await first.initChain(abci.RequestInitChain.create({ validators: [update(0, 10n), update(1, 5n)] }));
		await block(first, 1, ["a=b", validatorTx(2, 7n)]);
		await block(first, 2, ["c=d"]);
		await first.close?.();
		const second = await openKvStore(where);
		const info = await second.info(abci.RequestInfo.create());
		assert.deepEqual([info.lastBlockHeight, info.data], [2n, '{"size":3}']);
		assert.equal(await storedValue(second, "a"), "b");
		const punished = await block(second, 3, [validatorTx(3, 0n)], [misbehavior(2, 7n)]);
		assert.deepEqual(punished.validatorUpdates, [update(2, 6n)]);
		assert.deepEqual(punished.appHash, kvStoreAppHash(4n));
		await second.close?.();
	});

	it("keeps a block once it is committed, through a power failure", async () => {
		const where = options();
		const first = await openKvStore(where);
		await block(first, 1, ["a=b"]);
		await first.finalizeBlock(abci.RequestFinalizeBlock.create({ txs: [utf8("x=y")], height: 2n }));
		await where.disk.crash();
		const second = await openKvStore(where);
		assert.equal((await second.info(abci.RequestInfo.create())).lastBlockHeight, 1n);
		assert.equal(await storedValue(second, "a"), "b");
		assert.equal(await storedValue(second, "x"), "");
	});

	it("has the keys and values of CometBFT's kvstore.db", async () => {
		const where = options();
		const application = await openKvStore(where);
		await application.initChain(abci.RequestInitChain.create({ validators: [update(0, 10n)] }));
		await block(application, 1, ["a=b"]);
		await application.close?.();
		const store = await where.disk.openStore(where.path);
		const found: string[] = [];
		for await (const [name, value] of store.entries()) {
			found.push(`${Buffer.from(name).toString("latin1")} -> ${Buffer.from(value).toString("latin1")}`);
		}
		const delimited = Buffer.from([38, 10, 34, 10, 32, ...key(0).bytes, 16, 10]).toString("latin1");
		assert.deepEqual(found, [
			"kvPairKey:a -> b",
			'stateKey -> {"size":1,"height":1}',
			`val=${Buffer.from(key(0).bytes).toString("latin1")} -> ${delimited}`,
		]);
	});

	it("refuses a database that is something else's", async () => {
		const where = options();
		const store = await where.disk.openStore(where.path);
		await store.write([{ key: utf8("stateKey"), value: utf8("something") }], { sync: true });
		await store.close();
		await assert.rejects(openKvStore(where), { code: "decode" });
		const again = await where.disk.openStore(where.path);
		await again.close();
	});
});
