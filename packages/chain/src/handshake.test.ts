import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Application, BaseApplication, openKvStore } from "@cairn/abci";
import { publicKeyOf } from "@cairn/crypto";
import { CairnError, toHex, utf8 } from "@cairn/kit";
import {
	type ChainState,
	commitToExtendedCommit,
	consensusParamsToProto,
	encodeState,
	genesisState,
	type Height,
	newValidator,
	publicKeyToProto,
} from "@cairn/types";
import { abci, types } from "@cairn/types/proto";
import { BackRoom, type RoomOptions, testGenesis, testKey } from "./testing/test-chain.ts";

const KEYS = [testKey(0), testKey("late")];
const GENESIS = testGenesis([testKey(0)]);
const TOP = 4;

/** A chain with transactions, a new validator and an empty block; `states[h]` is the state behind height h. */
async function referenceChain(initialHeight: Height): Promise<{ room: BackRoom; states: Map<Height, ChainState> }> {
	const room = await BackRoom.started({ keys: KEYS, genesis: { ...GENESIS, initialHeight } });
	const added = `val=ed25519!${Buffer.from(publicKeyOf(testKey("late")).bytes).toString("base64")}!3`;
	const states = new Map<Height, ChainState>([[0, room.state]]);
	for (const txs of [["a=1", added], ["b=2"], [], ["c=3", "a=4"]]) {
		const { block, after } = await room.extend(txs);
		states.set(block.header.height, after);
	}
	return { room, states };
}

interface Heights {
	readonly app: number;
	readonly store: number;
	readonly state: number;
}

interface Cut extends Heights {
	/** The answer of the height above the state is stored, as between FinalizeBlock and the state. */
	readonly answered: boolean;
}

/** A room as a crash (or a mix of folders) leaves it: each of the three at its own number of blocks. */
async function roomAt(
	cut: Cut,
	initialHeight: Height,
	reference: Awaited<ReturnType<typeof referenceChain>>,
	options: RoomOptions = {},
) {
	const application = options.application ?? (await openKvStore());
	const { room: chain, states } = reference;
	const room = await BackRoom.open({ keys: KEYS, genesis: chain.genesis, ...options, application });
	const heightOf = (blocks: number): Height => (blocks === 0 ? 0 : initialHeight + blocks - 1);
	if (cut.app > 0) await driveApplication(application, chain, cut.app);
	for (const made of chain.made.slice(0, cut.store)) {
		await room.blockStore.saveBlock(made.block, made.parts, made.commit);
	}
	const stateOf = (blocks: number): ChainState => states.get(heightOf(blocks)) ?? genesisState(chain.genesis);
	// A new home has no state; once InitChain was answered, there is one.
	if (cut.state > 0 || cut.app > 0)
		for (let blocks = 0; blocks <= cut.state; blocks++) await room.stateStore.save(stateOf(blocks));
	const answers = cut.answered ? cut.state + 1 : cut.state;
	for (const { block } of chain.made.slice(0, answers)) {
		const answer = chain.stateStore.loadFinalizeBlockResponse(block.header.height);
		assert.ok(answer !== null);
		await room.stateStore.saveFinalizeBlockResponse(block.header.height, answer);
	}
	room.state = room.stateStore.load() ?? genesisState(chain.genesis);
	return { room, expected: stateOf(cut.store), application };
}

async function driveApplication(application: Application, chain: BackRoom, blocks: number): Promise<void> {
	const { genesis } = chain;
	const validators = genesis.validators.map(({ publicKey, power }) => ({ pubKey: publicKeyToProto(publicKey), power }));
	const consensusParams = consensusParamsToProto(genesis.consensusParams);
	await application.initChain(abci.RequestInitChain.create({ validators, consensusParams }));
	for (const { block } of chain.made.slice(0, blocks)) {
		const { txs, header } = block;
		await application.finalizeBlock(abci.RequestFinalizeBlock.create({ txs: [...txs], height: BigInt(header.height) }));
		await application.commit({});
	}
}

/** What has to come of it: null for a node in order, or the code of the error. */
function verdictOf({ app, store, state, answered }: Cut, hashes: readonly string[]): string | null {
	if (store === 0) return hashes[app] === hashes[state] ? null : "app-hash-mismatch";
	if (app > store) return "app-height-too-high";
	if (state > store || store > state + 1) return "invariant";
	return app === store && store === state + 1 && !answered ? "missing-response" : null;
}

for (const initialHeight of [1, 1_000]) {
	describe(`handshake of a chain that begins at ${initialHeight}`, async () => {
		const reference = await referenceChain(initialHeight);
		const hashes = [...reference.states.values()].map(({ appHash }) => toHex(appHash));
		for (let store = 0; store <= TOP; store++) {
			for (let state = 0; state <= TOP; state++) {
				for (let app = 0; app <= TOP; app++) {
					for (const answered of state < TOP ? [false, true] : [false]) await meet({ app, store, state, answered });
				}
			}
		}

		async function meet(cut: Cut): Promise<void> {
			const { app, store, state, answered } = cut;
			if (store === 0 && state > 0 && app === 0) return; // A state without blocks: state sync, and its application is not new.
			const verdict = verdictOf(cut, hashes);
			const outcome = verdict ?? "in order";
			const name = `blocks ${store}, state ${state}${answered ? " (next answered)" : ""}, application ${app}: ${outcome}`;
			it(name, async () => {
				const { room, expected, application } = await roomAt(cut, initialHeight, reference);
				if (verdict !== null) {
					await assert.rejects(room.shakeHands(), (error) => error instanceof CairnError && error.code === verdict);
					return;
				}
				const synced = await room.shakeHands();
				if (store === 0 && state > 0) return; // Restored by state sync: blocks come later.
				assert.equal(toHex(encodeState(synced)), toHex(encodeState(expected)));
				const info = await application.info(abci.RequestInfo.create());
				assert.equal(Number(info.lastBlockHeight), expected.lastBlockHeight);
				if (expected.lastBlockHeight > 0) assert.deepEqual(info.lastBlockAppHash, expected.appHash);
				const stored = room.stateStore.load();
				assert.ok(stored !== null);
				assert.equal(toHex(encodeState(stored)), toHex(encodeState(expected)));
				await goesOn(room, store, reference.room);
			});
		}
	});
}

/** The node makes the block after the handshake, on the commit that it finds in its store. */
async function goesOn(room: BackRoom, store: number, chain: BackRoom): Promise<void> {
	const last = chain.made[store - 1];
	const proposer = room.state.validators.proposer;
	assert.ok(proposer !== null);
	const commit = last === undefined ? room.lastCommit : last.commit;
	const block = await room.executor.createProposal(
		room.next,
		room.state,
		commitToExtendedCommit(commit),
		proposer.address,
	);
	const { after } = await room.decide(block);
	assert.equal(after.lastBlockHeight, block.header.height);
}

class Starter extends BaseApplication {
	readonly #answer: Partial<abci.ResponseInitChain>;
	readonly #info: Partial<abci.ResponseInfo>;
	asked: abci.RequestInitChain | null = null;

	constructor(answer: Partial<abci.ResponseInitChain>, info: Partial<abci.ResponseInfo> = {}) {
		super();
		this.#answer = answer;
		this.#info = info;
	}

	override info(): abci.ResponseInfo {
		return abci.ResponseInfo.create(this.#info);
	}

	override initChain(request: abci.RequestInitChain): abci.ResponseInitChain {
		this.asked = request;
		return abci.ResponseInitChain.create(this.#answer);
	}
}

describe("InitChain", () => {
	const updateOf = (name: string, power: bigint): abci.ValidatorUpdate => {
		return { pubKey: publicKeyToProto(publicKeyOf(testKey(name))), power };
	};

	it("tells the application what genesis says, and takes over what it answers", async () => {
		const application = new Starter(
			{
				appHash: utf8("hash"),
				validators: [updateOf("x", 5n), updateOf("y", 6n)],
				consensusParams: types.ConsensusParams.create({
					block: { maxBytes: 3_000_000n, maxGas: 9n },
					version: { app: 4n },
				}),
			},
			{ appVersion: 3n },
		);
		const genesis = testGenesis([testKey(0)], { appState: '{"a": 1}', initialHeight: 7 });
		const room = await BackRoom.started({ genesis, application });
		const { asked } = application;
		assert.equal(asked?.chainId, "test-chain");
		assert.equal(asked?.initialHeight, 7n);
		assert.equal(asked?.time, genesis.genesisTime);
		assert.deepEqual(asked?.appStateBytes, utf8('{"a": 1}'));
		assert.deepEqual(
			asked?.validators,
			[updateOf("0", 10n)].map((each) => ({ ...each, pubKey: publicKeyToProto(publicKeyOf(testKey(0))) })),
		);
		const { state } = room;
		assert.deepEqual(
			state.validators.validators.map(({ votingPower }) => votingPower),
			[6n, 5n],
		);
		assert.deepEqual(state.appHash, utf8("hash"));
		assert.equal(state.consensusParams.block.maxGas, 9n);
		assert.equal(state.version.consensus.app, 4n);
		const stored = room.stateStore.load();
		assert.ok(stored !== null);
		assert.deepEqual(encodeState(stored), encodeState(state));
		assert.equal(room.stateStore.loadValidators(7)?.size, 2);
		assert.equal(room.stateStore.loadValidators(8)?.size, 2);
	});

	it("keeps the validators and the app hash of genesis where the application has no opinion", async () => {
		const genesis = testGenesis([testKey(0)], { appHash: utf8("from genesis") });
		const room = await BackRoom.open({
			genesis,
			application: new Starter({}, { lastBlockAppHash: utf8("from genesis") }),
		});
		await assert.rejects(
			room.shakeHands(),
			(error) => error instanceof CairnError && error.code === "app-hash-mismatch",
		);
		const agreeing = await BackRoom.started({ genesis, application: new Starter({ appHash: utf8("from genesis") }) });
		assert.deepEqual(agreeing.state.appHash, utf8("from genesis"));
		assert.equal(agreeing.state.validators.size, 1);
	});

	it("takes all validators from the application where genesis has none, and refuses to start without any", async () => {
		const genesis = testGenesis([]);
		const room = await BackRoom.started({ genesis, application: new Starter({ validators: [updateOf("x", 5n)] }) });
		assert.deepEqual(room.state.validators.validators[0]?.address, newValidator(publicKeyOf(testKey("x")), 5n).address);
		const nobody = await BackRoom.open({ genesis, application: new Starter({}) });
		await assert.rejects(nobody.shakeHands(), (error) => error instanceof CairnError && error.code === "no-validators");
	});

	it("refuses validators that do not make a set", async () => {
		const wrong: readonly abci.ValidatorUpdate[][] = [
			[updateOf("x", 5n), updateOf("x", 5n)],
			[updateOf("x", -1n)],
			[updateOf("x", 0n)],
			[{ pubKey: { sum: null }, power: 1n }],
		];
		for (const validators of wrong) {
			const room = await BackRoom.open({ genesis: testGenesis([]), application: new Starter({ validators }) });
			await assert.rejects(room.shakeHands(), (error) => {
				assert.ok(error instanceof CairnError, String(error));
				return error.blame === "app" && error.code === "bad-validator-update";
			});
			assert.equal(room.stateStore.load(), null);
		}
	});

	it("refuses parameters that no chain can have", async () => {
		const consensusParams = types.ConsensusParams.create({ block: { maxBytes: 0n, maxGas: -1n } });
		const room = await BackRoom.open({ application: new Starter({ consensusParams }) });
		await assert.rejects(
			room.shakeHands(),
			(error) => error instanceof CairnError && error.code === "bad-param-update",
		);
		assert.equal(room.stateStore.load(), null);
	});

	it("is asked again after a crash before its answer was stored, and never once there is a block", async () => {
		const application = new Starter({});
		await (await BackRoom.open({ application })).shakeHands();
		application.asked = null;
		await BackRoom.started({ application });
		assert.notEqual(application.asked, null);
	});

	it("refuses an application at a negative height", async () => {
		const room = await BackRoom.open({ application: new Starter({}, { lastBlockHeight: -1n }) });
		await assert.rejects(room.shakeHands(), (error) => error instanceof CairnError && error.code === "bad-answer");
	});
});

describe("handshake with an application that has lost its way", () => {
	it("stops when replay does not lead to the hashes in the blocks", async () => {
		const reference = await referenceChain(1);
		class Wrong extends BaseApplication {
			override initChain(): abci.ResponseInitChain {
				return abci.ResponseInitChain.create({ appHash: new Uint8Array(8) });
			}
			override finalizeBlock(request: abci.RequestFinalizeBlock): abci.ResponseFinalizeBlock {
				const txResults = request.txs.map(() => abci.ExecTxResult.create());
				return abci.ResponseFinalizeBlock.create({ txResults, appHash: utf8("wrong") });
			}
		}
		const cut: Cut = { app: 0, store: TOP, state: TOP, answered: false };
		const { room } = await roomAt(cut, 1, reference, { application: new Wrong() });
		await assert.rejects(room.shakeHands(), (error) => {
			return error instanceof CairnError && error.code === "app-hash-mismatch" && error.blame === "operator";
		});
	});

	it("stops when the application stands at the right height with another hash", async () => {
		const reference = await referenceChain(1);
		const application = new Starter({}, { lastBlockHeight: BigInt(TOP), lastBlockAppHash: utf8("other") });
		const cut: Cut = { app: 0, store: TOP, state: TOP, answered: false };
		const { room } = await roomAt(cut, 1, reference, { application });
		await assert.rejects(
			room.shakeHands(),
			(error) => error instanceof CairnError && error.code === "app-hash-mismatch",
		);
	});

	it("says which blocks are missing where the application is below the store's base", async () => {
		const reference = await referenceChain(1);
		for (const app of [0, 1]) {
			const { room } = await roomAt({ app, store: TOP, state: TOP, answered: false }, 1, reference);
			await room.blockStore.pruneBlocks(3, room.state);
			await assert.rejects(room.shakeHands(), (error) => {
				return error instanceof CairnError && error.code === "app-height-too-low" && /base \(3\)/.test(error.message);
			});
		}
		const { room } = await roomAt({ app: 2, store: TOP, state: TOP, answered: false }, 1, reference);
		await room.blockStore.pruneBlocks(3, room.state);
		assert.equal((await room.shakeHands()).lastBlockHeight, TOP);
	});

	it("fails as the application fails", async () => {
		class Broken extends BaseApplication {
			override info(): abci.ResponseInfo {
				throw new Error("no database");
			}
		}
		const room = await BackRoom.open({ application: new Broken() });
		await assert.rejects(room.shakeHands(), /no database/);
	});
});
