import type { AppConnections } from "@cairn/abci";
import { bytesEqual, CairnError, invariant, type Logger, messageOf, toUpperHex } from "@cairn/kit";
import type { BlockStore, StateStore } from "@cairn/storage";
import {
	type ChainState,
	type ConsensusParams,
	consensusParamsToProto,
	type GenesisDoc,
	type Height,
	lastResultsHash,
	publicKeyToProto,
	updateConsensusParams,
	type Validator,
	ValidatorSet,
	validateConsensusParams,
} from "@cairn/types";
import type { abci, types } from "@cairn/types/proto";
import type { ConsensusConnection, Executor, FailPoint } from "./executor/executor.ts";
import { validatorUpdatesFromApp } from "./executor/update-state.ts";

export interface HandshakeParts {
	readonly connections: AppConnections;
	readonly stateStore: StateStore;
	readonly blockStore: BlockStore;
	readonly genesis: GenesisDoc;
	readonly logger: Logger;
	/** An executor over the given application connection, without mempool and evidence pool. */
	readonly executorFor: (application: ConsensusConnection) => Executor;
	readonly failPoint?: FailPoint;
}

/** Versions that Info tells the application (version/version.go of v0.40.0). */
export const INFO_REQUEST: abci.RequestInfo = {
	version: "0.39.0",
	blockVersion: 11n,
	p2pVersion: 8n,
	abciVersion: "2.0.0",
};

/**
 * Brings application, block store and state to the same height before anything else starts (consensus/replay.go): asks
 * the application where it stands, opens the chain in it if it is new, and replays the blocks it lacks. Covers every
 * combination of the three heights that a crash can leave, and stops with a typed error on those it cannot.
 */
export async function handshake(state: ChainState, parts: HandshakeParts): Promise<ChainState> {
	const { logger, connections } = parts;
	const info = await connections.query.info(INFO_REQUEST);
	if (info.lastBlockHeight < 0n) {
		throw new CairnError(
			"bad-answer",
			"app",
			`got a negative last block height (${info.lastBlockHeight}) from the app`,
		);
	}
	const appHeight: Height = Number(info.lastBlockHeight);
	logger.info("ABCI Handshake App Info", {
		height: appHeight,
		hash: toUpperHex(info.lastBlockAppHash),
		software_version: info.version,
		protocol_version: String(info.appVersion),
	});
	let current = state;
	if (state.lastBlockHeight === 0) {
		const consensus = { ...state.version.consensus, app: info.appVersion };
		current = { ...state, version: { ...state.version, consensus } };
	}
	const replayed = await replayBlocks(current, info.lastBlockAppHash, appHeight, parts);
	logger.info("Completed ABCI Handshake - Cairn and App are synced", {
		app_height: appHeight,
		app_hash: toUpperHex(replayed.appHash),
	});
	return replayed;
}

async function replayBlocks(
	given: ChainState,
	hash: Uint8Array,
	app: Height,
	parts: HandshakeParts,
): Promise<ChainState> {
	const { blockStore, logger } = parts;
	let state = given;
	let appHash = hash;
	const store = blockStore.height;
	const saved = state.lastBlockHeight;
	logger.info("ABCI Replay Blocks", { app_height: app, store_height: store, state_height: saved });
	if (app === 0) ({ state, appHash } = await initChain(state, parts));
	if (store === 0) {
		assertAppHash(appHash, state.appHash, "state");
		return state;
	}
	assertHeights(app, store, saved, blockStore.base, state.initialHeight);
	if (store === saved) {
		if (app === store) {
			assertAppHash(appHash, state.appHash, "state");
			return state;
		}
		const last = await replayIntoApp(state, app, store, parts);
		assertAppHash(last, state.appHash, "state");
		return state;
	}
	if (app < saved) {
		await replayIntoApp(state, app, store - 1, parts);
		return applyStored(state, store, parts, parts.connections.consensus);
	}
	if (app === saved) {
		logger.info("Replay last block using real app");
		return applyStored(state, store, parts, parts.connections.consensus);
	}
	logger.info("Replay last block using the saved answer of the app");
	return applyStored(state, store, parts, savedAnswers(store, appHash, parts));
}

function assertHeights(app: Height, store: Height, state: Height, base: Height, initialHeight: Height): void {
	if ((app === 0 && initialHeight < base) || (app > 0 && app < base - 1)) {
		const text = `app block height (${app}) is too far below block store base (${base}); restore a snapshot of the application or sync anew`;
		throw new CairnError("app-height-too-low", "operator", text);
	}
	if (store < app) {
		const text = `app block height (${app}) is higher than core (${store}); the application's data belongs to another or newer home: reset it, or restore this node's data folder`;
		throw new CairnError("app-height-too-high", "operator", text);
	}
	invariant(store >= state, `state height (${state}) is above the block store's (${store})`);
	// Unlike CometBFT, which cannot start again after a crash in the first block of a chain that begins above 1.
	const next = state === 0 ? initialHeight : state + 1;
	invariant(store <= next, `block store height (${store}) is more than one above the state's (${state})`);
}

/** Opens the chain in a new application. On a new chain its answer replaces genesis validators, params and app hash. */
async function initChain(
	state: ChainState,
	parts: HandshakeParts,
): Promise<{ state: ChainState; appHash: Uint8Array }> {
	const { genesis, connections, stateStore } = parts;
	const validators: Validator[] = genesis.validators.map((each) => ({
		address: each.address,
		publicKey: each.publicKey,
		votingPower: each.power,
		proposerPriority: 0n,
	}));
	const response = await connections.consensus.initChain({
		time: genesis.genesisTime,
		chainId: genesis.chainId,
		consensusParams: consensusParamsToProto(genesis.consensusParams),
		validators: ValidatorSet.create(validators).validators.map(({ publicKey, votingPower }) => {
			return { pubKey: publicKeyToProto(publicKey), power: votingPower };
		}),
		appStateBytes: new TextEncoder().encode(genesis.appState),
		initialHeight: BigInt(genesis.initialHeight),
	});
	parts.failPoint?.("chain-opened");
	if (state.lastBlockHeight !== 0) return { state, appHash: response.appHash };
	let next: ChainState = { ...state, lastResultsHash: lastResultsHash([]) };
	if (response.appHash.length > 0) next = { ...next, appHash: response.appHash };
	if (response.consensusParams !== null) {
		const consensusParams = paramsFromApp(state.consensusParams, response.consensusParams);
		const consensus = { ...next.version.consensus, app: consensusParams.version.app };
		next = { ...next, consensusParams, version: { ...next.version, consensus } };
	}
	if (response.validators.length > 0) {
		const set = setFromApp(response.validators, next.consensusParams);
		next = { ...next, validators: set, nextValidators: set.copyIncrementProposerPriority(1) };
	} else if (validators.length === 0) {
		throw new CairnError(
			"no-validators",
			"operator",
			"validator set is nil in genesis and still empty after InitChain",
		);
	}
	await stateStore.save(next);
	parts.failPoint?.("first-state-saved");
	return { state: next, appHash: response.appHash };
}

function paramsFromApp(params: ConsensusParams, update: types.ConsensusParams): ConsensusParams {
	try {
		const changed = updateConsensusParams(params, update);
		validateConsensusParams(changed);
		return changed;
	} catch (cause) {
		throw new CairnError("bad-param-update", "app", `InitChain's consensus params: ${messageOf(cause)}`, {}, cause);
	}
}

function setFromApp(updates: readonly abci.ValidatorUpdate[], params: ConsensusParams): ValidatorSet {
	const validators = validatorUpdatesFromApp(updates, params);
	try {
		return ValidatorSet.create(validators);
	} catch (cause) {
		throw new CairnError("bad-validator-update", "app", `InitChain's validators: ${messageOf(cause)}`, {}, cause);
	}
}

/** Runs stored blocks through an application that lags, from the height behind its own up to `last`. */
async function replayIntoApp(state: ChainState, app: Height, last: Height, parts: HandshakeParts): Promise<Uint8Array> {
	const executor = parts.executorFor(parts.connections.consensus);
	let appHash: Uint8Array | null = null;
	for (let height = app === 0 ? state.initialHeight : app + 1; height <= last; height++) {
		parts.logger.info("Applying block", { height });
		const block = parts.blockStore.loadBlock(height);
		invariant(block !== null, `block ${height} is missing in the block store`);
		if (appHash !== null) assertAppHash(appHash, block.header.appHash, `block ${height}`);
		appHash = await executor.replay(state, block);
		parts.failPoint?.("block-replayed");
	}
	return appHash ?? state.appHash;
}

async function applyStored(
	state: ChainState,
	height: Height,
	parts: HandshakeParts,
	app: ConsensusConnection,
): Promise<ChainState> {
	const block = parts.blockStore.loadBlock(height);
	const meta = parts.blockStore.loadBlockMeta(height);
	invariant(block !== null && meta !== null, `block ${height} is missing in the block store`);
	const applied = await parts.executorFor(app).apply(state, meta.blockId, block);
	return applied.state;
}

/** Stands in for an application that has committed a height whose answer we saved but whose state we did not. */
function savedAnswers(height: Height, appHash: Uint8Array, parts: HandshakeParts): ConsensusConnection {
	const response = parts.stateStore.loadLastFinalizeBlockResponse(height);
	if (response === null) {
		const text = `the application has committed height ${height}, but its answer is not stored: reset the application to height ${height - 1}`;
		throw new CairnError("missing-response", "operator", text, { height });
	}
	const answer = response.appHash.length === 0 ? { ...response, appHash } : response;
	const app = parts.connections.consensus;
	return {
		prepareProposal: (request) => app.prepareProposal(request),
		processProposal: (request) => app.processProposal(request),
		extendVote: (request) => app.extendVote(request),
		verifyVoteExtension: (request) => app.verifyVoteExtension(request),
		finalizeBlock: async () => answer,
		commit: async () => ({ retainHeight: 0n }),
	};
}

function assertAppHash(got: Uint8Array, expected: Uint8Array, where: string): void {
	if (bytesEqual(got, expected)) return;
	const text = `${where}'s AppHash does not match the application's after replay: got ${toUpperHex(got)}, expected ${toUpperHex(expected)}. Was Cairn reset without the application's data, or the other way round?`;
	throw new CairnError("app-hash-mismatch", "operator", text);
}
