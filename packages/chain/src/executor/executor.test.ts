import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BaseApplication, openKvStore } from "@cairn/abci";
import { publicKeyOf } from "@cairn/crypto";
import { CairnError, utf8 } from "@cairn/kit";
import {
	type Block,
	blockHash,
	blockToPartSet,
	commitToExtendedCommit,
	encodeState,
	maxBlockBytes,
	maxDataBytes,
	newBlock,
	publicKeyToProto,
	txsSize,
} from "@cairn/types";
import { abci, types } from "@cairn/types/proto";
import { BackRoom, testGenesis, testKey, withBlockParams } from "../testing/test-chain.ts";
import type { ConsensusConnection } from "./executor.ts";

function failure(code: string, message: RegExp): (error: unknown) => boolean {
	return (error) => error instanceof CairnError && error.code === code && message.test(error.message);
}

/** Changes what the application answers to some calls. */
function answering(change: Partial<ConsensusConnection>): { wrap: (real: ConsensusConnection) => ConsensusConnection } {
	return {
		wrap: (real) => ({
			prepareProposal: change.prepareProposal ?? ((request) => real.prepareProposal(request)),
			processProposal: change.processProposal ?? ((request) => real.processProposal(request)),
			extendVote: change.extendVote ?? ((request) => real.extendVote(request)),
			verifyVoteExtension: change.verifyVoteExtension ?? ((request) => real.verifyVoteExtension(request)),
			finalizeBlock: change.finalizeBlock ?? ((request) => real.finalizeBlock(request)),
			commit: change.commit ?? ((request) => real.commit(request)),
		}),
	};
}

function idOf(block: Block) {
	return { hash: blockHash(block), partSetHeader: blockToPartSet(block).header };
}

describe("executor applies blocks", () => {
	it("writes in the order that a crash may cut anywhere", async () => {
		const calls: string[] = [];
		const room: BackRoom = await BackRoom.started({
			wrap: (real) => ({
				...answering({}).wrap(real),
				finalizeBlock: (request) => {
					calls.push("FinalizeBlock");
					return real.finalizeBlock(request);
				},
				commit: (request) => {
					const height = Number(request ? room.next : 0);
					const isAnswerStored = room.stateStore.loadFinalizeBlockResponse(height) !== null;
					calls.push(`Commit, answer stored: ${isAnswerStored}, state: ${room.stateStore.load()?.lastBlockHeight}`);
					return real.commit(request);
				},
			}),
		});
		await room.extend(["a=1"]);
		await room.extend(["b=2", "c=3"]);
		assert.deepEqual(calls, [
			"FinalizeBlock",
			"Commit, answer stored: true, state: 0",
			"FinalizeBlock",
			"Commit, answer stored: true, state: 1",
		]);
		const once = ["executed", "responses-saved", "app-committed", "evidence-updated", "state-saved"];
		assert.deepEqual(room.passed, ["chain-opened", "first-state-saved", ...once, ...once]);
		assert.deepEqual(encodeState(room.state), encodeState(room.stateStore.load() ?? room.state));
		assert.equal(room.stateStore.load()?.lastBlockHeight, 2);
	});

	it("tells listeners and the indexer of a block after its state is saved, in CometBFT's order", async () => {
		const added = `val=ed25519!${Buffer.from(publicKeyOf(testKey("new")).bytes).toString("base64")}!7`;
		const room = await BackRoom.started();
		const savedAt: number[] = [];
		room.events.subscribe((event) => {
			room.heard.push(event);
			savedAt.push(room.stateStore.load()?.lastBlockHeight ?? -1);
		});
		await room.extend(["a=1", added]);
		const names = room.heard.map((event) => (event.name === "Tx" ? `Tx ${event.height}/${event.index}` : event.name));
		const wanted = ["NewBlock", "NewBlockHeader", "NewBlockEvents", "Tx 1/0", "Tx 1/1", "ValidatorSetUpdates"];
		assert.deepEqual(names, wanted);
		assert.deepEqual(new Set(savedAt), new Set([1]));
		assert.equal(room.executed.length, 1);
		assert.equal(room.executed[0]?.block.header.height, 1);
	});

	it("lets validator updates act two heights later", async () => {
		const keys = [testKey(0), testKey("new")];
		const added = `val=ed25519!${Buffer.from(publicKeyOf(testKey("new")).bytes).toString("base64")}!7`;
		const room = await BackRoom.started({ keys, genesis: testGenesis([testKey(0)]) });
		const { after } = await room.extend([added]);
		assert.equal(after.lastHeightValidatorsChanged, 3);
		assert.deepEqual([after.validators.size, after.nextValidators.size], [1, 2]);
		await room.extend([]);
		const third = await room.extend([]);
		assert.equal(third.commit.signatures.length, 2);
		assert.equal(room.stateStore.loadValidators(3)?.size, 2);
		assert.equal(room.stateStore.loadValidators(2)?.size, 1);
		await room.extend([]);
	});

	it("refuses a block that breaks a rule, and asks the application nothing", async () => {
		let asked = 0;
		const room = await BackRoom.started({
			wrap: (real) => ({
				...answering({}).wrap(real),
				finalizeBlock: (request) => {
					asked++;
					return real.finalizeBlock(request);
				},
			}),
		});
		await room.extend(["a=1"]);
		const block = await room.propose();
		const wrong = newBlock({ ...block.header, appHash: new Uint8Array(8).fill(9) }, [], room.lastCommit, []);
		await assert.rejects(room.executor.apply(room.state, idOf(wrong), wrong), failure("invalid", /app hash/));
		const forged = { ...room.lastCommit };
		const first = forged.signatures[0];
		assert.ok(first !== undefined);
		const signatures = [{ ...first, signature: new Uint8Array(64) }];
		const unsigned = newBlock(block.header, [], { ...forged, signatures }, []);
		await assert.rejects(room.executor.apply(room.state, idOf(unsigned), unsigned), failure("invalid", /signature/));
		assert.equal(asked, 1);
		assert.equal(room.stateStore.load()?.lastBlockHeight, 1);
		await room.decide(block);
		assert.equal(asked, 2);
	});

	it("does not take the verdict on one block for that on another", async () => {
		const room = await BackRoom.started();
		const block = await room.propose();
		room.executor.validate(room.state, block);
		const wrong = newBlock({ ...block.header, appHash: new Uint8Array(8).fill(9) }, [], room.lastCommit, []);
		assert.throws(() => room.executor.validate(room.state, wrong), failure("invalid", /app hash/));
		// The same block against a later state is another question.
		await room.decide(block);
		assert.throws(() => room.executor.validate(room.state, block), failure("invalid", /height/));
	});

	it("refuses a block of the future by this machine's clock", async () => {
		const room = await BackRoom.started();
		await room.extend();
		const block = await room.propose();
		room.world.time.jumpWall(block.header.time - 61_000_000_000n - room.world.clock.wall());
		await assert.rejects(room.executor.apply(room.state, idOf(block), block), failure("invalid", /future/));
		room.world.time.jumpWall(2_000_000_000n);
		await room.executor.apply(room.state, idOf(block), block);
	});

	it("stops on an answer with too few results", async () => {
		const finalizeBlock = async () => abci.ResponseFinalizeBlock.create();
		const room = await BackRoom.started(answering({ finalizeBlock }));
		await assert.rejects(room.extend(["a=1"]), failure("bad-answer", /expected tx results length.*Expected 1, got 0/));
		assert.equal(room.stateStore.loadFinalizeBlockResponse(1), null);
		assert.equal(room.stateStore.load()?.lastBlockHeight, 0);
	});

	it("lets the mempool go when the application cannot commit", async () => {
		const commit = () => Promise.reject(new CairnError("broken", "app", "the disk of the application is full"));
		const room = await BackRoom.started(answering({ commit }));
		await assert.rejects(room.extend(), failure("broken", /disk/));
		assert.equal(room.stateStore.load()?.lastBlockHeight, 0);
		// Not locked: the check comes back.
		assert.equal((await room.mempool.checkTx(utf8("b=2"), "")).code, 0);
	});

	it("holds transactions back while the application commits, and rechecks before the next height commits", async () => {
		let release = (): void => undefined;
		const gate = new Promise<void>((resolve) => {
			release = resolve;
		});
		let committing = (): void => undefined;
		const started = new Promise<void>((resolve) => {
			committing = resolve;
		});
		const room = await BackRoom.started({
			wrap: (real) => ({
				...answering({}).wrap(real),
				commit: async (request) => {
					committing();
					await gate;
					return real.commit(request);
				},
			}),
		});
		const made = room.extend(["a=1"]);
		await started;
		let isChecked = false;
		const check = room.mempool.checkTx(utf8("b=2"), "").then(() => {
			isChecked = true;
		});
		for (let turn = 0; turn < 20; turn++) await Promise.resolve();
		assert.equal(isChecked, false);
		assert.equal(room.mempool.size, 1);
		release();
		await Promise.all([made, check]);
		assert.deepEqual(room.mempool.reapMaxTxs(-1), [utf8("b=2")]);
	});

	it("prunes what the application no longer retains, and lives on when that cannot be", async () => {
		const room = await BackRoom.started({ application: await openKvStore({ retainBlocks: 3n }) });
		for (let height = 1; height <= 6; height++) await room.extend([`k${height}=v`]);
		assert.deepEqual([room.blockStore.base, room.blockStore.height], [4, 6]);
		assert.equal(room.blockStore.loadBlock(3), null);
		const greedy = await BackRoom.started(answering({ commit: async () => ({ retainHeight: 99n }) }));
		await greedy.extend();
		assert.equal((await greedy.extend()).after.lastBlockHeight, 2);
		assert.deepEqual([greedy.blockStore.base, greedy.blockStore.height], [1, 2]);
	});
});

describe("executor refuses changes that would halt or fork the chain", () => {
	const own = publicKeyToProto(publicKeyOf(testKey(0)));
	const other = publicKeyToProto(publicKeyOf(testKey("other")));
	const foreign: abci.ValidatorUpdate["pubKey"] = { sum: { kind: "secp256k1", value: new Uint8Array(33).fill(2) } };
	const wrong: readonly (readonly [what: string, updates: abci.ValidatorUpdate[], message: RegExp])[] = [
		[
			"twice the same validator",
			[
				{ pubKey: other, power: 3n },
				{ pubKey: other, power: 4n },
			],
			/update 1 repeats/,
		],
		["negative power", [{ pubKey: other, power: -1n }], /update 0 has negative power -1/],
		["an empty key", [{ pubKey: { sum: null }, power: 1n }], /update 0 has an unusable public key/],
		[
			"a short key",
			[{ pubKey: { sum: { kind: "ed25519", value: new Uint8Array(31) } }, power: 1n }],
			/unusable public key/,
		],
		["a key type outside of the params", [{ pubKey: foreign, power: 1n }], /update 0 .*secp256k1/],
		["removal of a stranger", [{ pubKey: other, power: 0n }], /changing validator set/],
		["removal of everybody", [{ pubKey: own, power: 0n }], /changing validator set/],
		["too much power", [{ pubKey: other, power: 1152921504606846975n }], /changing validator set/],
		["more power than an int64 of the sum", [{ pubKey: own, power: 9223372036854775807n }], /changing validator set/],
	];
	for (const [what, validatorUpdates, message] of wrong) {
		it(`validator updates: ${what}`, async () => {
			let commits = 0;
			const room = await BackRoom.started(
				answering({
					finalizeBlock: async () => abci.ResponseFinalizeBlock.create({ validatorUpdates }),
					commit: async () => {
						commits++;
						return abci.ResponseCommit.create();
					},
				}),
			);
			await assert.rejects(room.extend(), (error) => {
				assert.ok(error instanceof CairnError);
				assert.deepEqual([error.code, error.blame], ["bad-validator-update", "app"]);
				return message.test(error.message);
			});
			assert.equal(commits, 0, "the application must not commit what the node cannot follow");
			assert.equal(room.stateStore.load()?.lastBlockHeight, 0);
		});
	}

	it("validator updates: removal of a validator", async () => {
		const room = await BackRoom.started({ keys: [testKey(0), testKey(1)] });
		const leaving = publicKeyToProto(publicKeyOf(testKey(1)));
		const finalizeBlock = async () =>
			abci.ResponseFinalizeBlock.create({ validatorUpdates: [{ pubKey: leaving, power: 0n }] });
		const executor = room.executorFor(answering({ finalizeBlock }).wrap(room.connections.consensus), null);
		const block = await room.propose();
		const { state } = await executor.apply(room.state, idOf(block), block);
		assert.equal(state.nextValidators.size, 1);
	});

	const badParams: readonly (readonly [what: string, update: types.ConsensusParams])[] = [
		["no room for blocks", types.ConsensusParams.create({ block: { maxBytes: 0n, maxGas: -1n } })],
		["more than the greatest block", types.ConsensusParams.create({ block: { maxBytes: 104_857_601n, maxGas: -1n } })],
		["no key type", types.ConsensusParams.create({ validator: { pubKeyTypes: [] } })],
		[
			"extensions from a height that has begun",
			types.ConsensusParams.create({ abci: { voteExtensionsEnableHeight: 1n } }),
		],
	];
	for (const [what, consensusParamUpdates] of badParams) {
		it(`params: ${what}`, async () => {
			const finalizeBlock = async () => abci.ResponseFinalizeBlock.create({ consensusParamUpdates });
			const room = await BackRoom.started(answering({ finalizeBlock }));
			await assert.rejects(room.extend(), failure("bad-param-update", /updating consensus params/));
			assert.equal(room.stateStore.load()?.lastBlockHeight, 0);
		});
	}

	it("params: a good change counts from the next height, app version included", async () => {
		const consensusParamUpdates = types.ConsensusParams.create({
			block: { maxBytes: 2_000_000n, maxGas: 50n },
			version: { app: 7n },
		});
		const room = await BackRoom.started(
			answering({ finalizeBlock: async () => abci.ResponseFinalizeBlock.create({ consensusParamUpdates }) }),
		);
		const { after } = await room.extend();
		assert.equal(after.consensusParams.block.maxBytes, 2_000_000n);
		assert.equal(after.lastHeightConsensusParamsChanged, 2);
		assert.equal(after.version.consensus.app, 7n);
		assert.equal(room.stateStore.loadConsensusParams(1)?.block.maxBytes, room.genesis.consensusParams.block.maxBytes);
		assert.equal(room.stateStore.loadConsensusParams(2)?.block.maxBytes, 2_000_000n);
		assert.equal((await room.extend()).block.header.version.app, 7n);
	});
});

describe("executor makes proposals", () => {
	const limited = (maxBytes: bigint, maxGas = -1n) =>
		BackRoom.started({
			genesis: testGenesis([testKey(0)], { consensusParams: withBlockParams({ maxBytes, maxGas }) }),
			application: new OneGas(),
		});

	it("never exceeds the bytes of a block, whatever the sizes of the transactions", async () => {
		const room = await limited(6_000n);
		const available = maxDataBytes(maxBlockBytes(room.state.consensusParams), 0, 1);
		for (let size = 1; size < 400; size += 7) await room.mempool.checkTx(new Uint8Array(size).fill(size), "");
		const block = await room.propose();
		assert.ok(txsSize(block.txs) <= available, `${txsSize(block.txs)} of ${available}`);
		assert.ok(block.txs.length > 0 && block.txs.length < room.mempool.size);
		const next = room.mempool.reapMaxTxs(-1)[block.txs.length];
		assert.ok(next !== undefined && txsSize([...block.txs, next]) > available, "one more would not fit");
		const parts = blockToPartSet((await room.decide(block)).block);
		assert.ok(parts.byteSize <= 6_000);
	});

	it("never exceeds the gas of a block", async () => {
		const room = await limited(1_000_000n, 3n);
		for (const tx of ["a=1", "b=1", "c=1", "d=1"]) await room.mempool.checkTx(utf8(tx), "");
		assert.equal((await room.propose()).txs.length, 3);
	});

	it("gives the application everything where blocks have no bound, and tells it the real room", async () => {
		const room = await limited(-1n);
		let request: abci.RequestPrepareProposal | undefined;
		const prepareProposal: ConsensusConnection["prepareProposal"] = async (given) => {
			request = given;
			return { txs: given.txs.slice(0, 1) };
		};
		const executor = room.executorFor(answering({ prepareProposal }).wrap(room.connections.consensus), room.mempool);
		for (const tx of ["a=1", "b=1", "c=1"]) await room.mempool.checkTx(utf8(tx), "");
		const address = room.state.validators.proposer?.address ?? new Uint8Array(0);
		const block = await executor.createProposal(1, room.state, commitToExtendedCommit(room.lastCommit), address);
		assert.equal(request?.txs.length, 3);
		assert.equal(request?.maxTxBytes, BigInt(maxDataBytes(104_857_600, 0, 1)));
		assert.deepEqual(block.txs, [utf8("a=1")]);
		assert.deepEqual(block.header.proposerAddress, address);
	});

	it("refuses an application that answers with more than there is room for", async () => {
		const prepareProposal = async () => ({ txs: [new Uint8Array(3_000)] });
		const genesis = testGenesis([testKey(0)], { consensusParams: withBlockParams({ maxBytes: 6_000n }) });
		const room = await BackRoom.started({ ...answering({ prepareProposal }), genesis });
		await assert.rejects(room.propose(), (error) => {
			assert.ok(error instanceof CairnError && error.blame === "app");
			return failure("bad-proposal", /3003 bytes of transactions where \d+ were allowed/)(error);
		});
	});

	it("refuses an application without an opinion", async () => {
		const processProposal = async () => ({ status: 0 }) as abci.ResponseProcessProposal;
		const room = await BackRoom.started(answering({ processProposal }));
		const block = await room.propose();
		await assert.rejects(room.executor.processProposal(block, room.state), failure("bad-answer", /status UNKNOWN/));
	});

	it("passes the application's verdict on", async () => {
		const room = await BackRoom.started();
		const good = await room.propose();
		assert.equal(await room.executor.processProposal(good, room.state), true);
		const bad = newBlock(good.header, [utf8("neither key nor value")], room.lastCommit, []);
		assert.equal(await room.executor.processProposal(bad, room.state), false);
	});
});

/** Accepts everything at one gas each. */
class OneGas extends BaseApplication {
	override checkTx(): abci.ResponseCheckTx {
		return abci.ResponseCheckTx.create({ gasWanted: 1n });
	}

	override prepareProposal(request: abci.RequestPrepareProposal): abci.ResponsePrepareProposal {
		return { txs: request.txs };
	}
}
