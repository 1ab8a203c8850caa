import { CairnError, invariant, type KeyValueStore, type StoreWrite } from "@cairn/kit";
import {
	type ChainState,
	type ConsensusParams,
	consensusParamsFromProto,
	decodeState,
	encodeState,
	type Height,
	ValidatorSet,
} from "@cairn/types";
import { type abci, state as stateProto } from "@cairn/types/proto";
import { BoundedCache } from "./bounded-cache.ts";
import { decodeStored } from "./damage.ts";
import {
	decodeFinalizeResponse,
	encodeFinalizeResponse,
	encodeResponsesInfo,
	responseOfLegacy,
} from "./finalize-responses.ts";
import {
	consensusParamsKey,
	consensusParamsWrite,
	isParamsPointer,
	LAST_RESPONSE_KEY,
	lastStoredHeight,
	OFFLINE_STATE_SYNC_HEIGHT_KEY,
	responsesKey,
	STATE_KEY,
	validatorsKey,
	validatorsWrite,
} from "./state-keys.ts";
import { zigzagFromBytes, zigzagToBytes } from "./zigzag.ts";

const HEIGHTS_PER_PRUNE_BATCH = 1000;
const CACHED_SETS = 64;

export interface StateStoreOptions {
	/** Keeps the application's answer of the last height only (`storage.discard_abci_responses`). */
	readonly discardResponses?: boolean;
}

/**
 * The chain state and its history, in the keys of CometBFT's `state.db` (state/store.go): validator sets and consensus
 * parameters by height, the application's answers, the state after the last block. Reads answer at once and throw
 * `store-corrupt` when a value cannot be read; what they hand out is immutable.
 */
export class StateStore {
	readonly #store: KeyValueStore;
	readonly #discardResponses: boolean;
	/** By height, with the priorities of that height. */
	readonly #sets = new BoundedCache<Height, ValidatorSet>(CACHED_SETS);
	/** By the height at which they are stored, as they are stored. */
	readonly #storedSets = new BoundedCache<Height, ValidatorSet>(CACHED_SETS);

	private constructor(store: KeyValueStore, discardResponses: boolean) {
		this.#store = store;
		this.#discardResponses = discardResponses;
	}

	static open(store: KeyValueStore, options: StateStoreOptions = {}): StateStore {
		return new StateStore(store, options.discardResponses === true);
	}

	/** The state after the last block, null on a new store. */
	load(): ChainState | null {
		const bytes = this.#get(STATE_KEY);
		return bytes === null ? null : decodeStored("chain state", () => decodeState(bytes));
	}

	/** Stores the state with what it says about coming heights. Resolves when it is durable. */
	async save(state: ChainState): Promise<void> {
		const writes: StoreWrite[] = [];
		let next = state.lastBlockHeight + 1;
		if (next === 1) {
			next = state.initialHeight;
			// Updates act two heights later, so the set of the first height would be written by nobody else.
			writes.push(this.#validators(next, next, state.validators));
		}
		writes.push(this.#validators(next + 1, state.lastHeightValidatorsChanged, state.nextValidators));
		writes.push(consensusParamsWrite(next, state.lastHeightConsensusParamsChanged, state.consensusParams));
		writes.push({ key: STATE_KEY, value: encodeState(state) });
		await this.#store.write(writes, { sync: true });
	}

	/** Stores a state that did not come from executing blocks (state sync): all three validator sets in full. */
	async bootstrap(state: ChainState): Promise<void> {
		const height = state.lastBlockHeight === 0 ? state.initialHeight : state.lastBlockHeight + 1;
		const writes: StoreWrite[] = [];
		if (height > 1 && state.lastValidators.size > 0) {
			writes.push(this.#validators(height - 1, height - 1, state.lastValidators));
		}
		writes.push(this.#validators(height, height, state.validators));
		writes.push(this.#validators(height + 1, height + 1, state.nextValidators));
		writes.push(consensusParamsWrite(height, state.lastHeightConsensusParamsChanged, state.consensusParams));
		writes.push({ key: STATE_KEY, value: encodeState(state) });
		await this.#store.write(writes, { sync: true });
	}

	#validators(height: Height, lastHeightChanged: Height, set: ValidatorSet): StoreWrite {
		invariant(lastHeightChanged <= height, "a validator set cannot have changed after its height", { height });
		this.#sets.delete(height);
		this.#storedSets.delete(height);
		return validatorsWrite(height, lastHeightChanged, set);
	}

	// ------------------------------------------------------------------------------------------------ validators

	/**
	 * The validators that decide this height, with their proposer priorities at round 0; null where unknown. Where the
	 * set has not changed for long this plays the rotation from the last record: use `loadValidatorsFast` when keys and
	 * powers are enough.
	 */
	loadValidators(height: Height): ValidatorSet | null {
		const cached = this.#sets.get(height);
		if (cached !== undefined) return cached;
		const stored = this.#storedSetFor(height);
		if (stored === null) return null;
		const turns = height - stored.height;
		const set = turns === 0 ? stored.set : stored.set.copyIncrementProposerPriority(turns);
		this.#sets.set(height, set);
		return set;
	}

	/** As `loadValidators`, but the priorities are those of an earlier height. */
	loadValidatorsFast(height: Height): ValidatorSet | null {
		return this.#storedSetFor(height)?.set ?? null;
	}

	#storedSetFor(height: Height): { readonly height: Height; readonly set: ValidatorSet } | null {
		const info = this.#validatorsInfo(height);
		if (info === null) return null;
		const from = info.validatorSet === null ? lastStoredHeight(height, Number(info.lastHeightChanged)) : height;
		const cached = this.#storedSets.get(from);
		if (cached !== undefined) return { height: from, set: cached };
		const { validatorSet = null } = from === height ? info : (this.#validatorsInfo(from) ?? {});
		if (validatorSet === null) return null;
		const set = decodeStored(`validators of height ${from}`, () => ValidatorSet.fromProto(validatorSet));
		this.#storedSets.set(from, set);
		return { height: from, set };
	}

	#validatorsInfo(height: Height): stateProto.ValidatorsInfo | null {
		const bytes = this.#get(validatorsKey(height));
		if (bytes === null) return null;
		return decodeStored(`validators of height ${height}`, () => stateProto.ValidatorsInfo.decode(bytes));
	}

	// ------------------------------------------------------------------------------------------------ parameters

	/** The consensus parameters in force at this height; null where unknown. */
	loadConsensusParams(height: Height): ConsensusParams | null {
		let info = this.#paramsInfo(height);
		if (info !== null && isParamsPointer(info)) info = this.#paramsInfo(Number(info.lastHeightChanged));
		if (info === null) return null;
		const { consensusParams } = info;
		return decodeStored(`consensus params of height ${height}`, () => consensusParamsFromProto(consensusParams));
	}

	#paramsInfo(height: Height): stateProto.ConsensusParamsInfo | null {
		const bytes = this.#get(consensusParamsKey(height));
		if (bytes === null) return null;
		return decodeStored(`consensus params of height ${height}`, () => stateProto.ConsensusParamsInfo.decode(bytes));
	}

	// ---------------------------------------------------------------------------------------- the application's answers

	/**
	 * Stores the application's answer to a block before the block's state is saved: after a crash between the two, it
	 * stands in for the application, which has committed already. Resolves when it is durable.
	 */
	async saveFinalizeBlockResponse(height: Height, response: abci.ResponseFinalizeBlock): Promise<void> {
		const encoded = encodeFinalizeResponse(response);
		const writes: StoreWrite[] = [{ key: LAST_RESPONSE_KEY, value: encodeResponsesInfo(height, encoded) }];
		if (!this.#discardResponses) writes.push({ key: responsesKey(height), value: encoded });
		await this.#store.write(writes, { sync: true });
	}

	/**
	 * The application's answer to the block of this height; null where it is not held.
	 * @throws CairnError `responses-discarded` when the node is configured not to keep them
	 */
	loadFinalizeBlockResponse(height: Height): abci.ResponseFinalizeBlock | null {
		if (this.#discardResponses) {
			const text = "node is not persisting finalize block responses";
			throw new CairnError("responses-discarded", "operator", text, { key: "storage.discard_abci_responses" });
		}
		const bytes = this.#get(responsesKey(height));
		return bytes === null ? null : decodeStored(`results of height ${height}`, () => decodeFinalizeResponse(bytes));
	}

	/** The application's last answer, if it is for this height. */
	loadLastFinalizeBlockResponse(height: Height): abci.ResponseFinalizeBlock | null {
		const bytes = this.#get(LAST_RESPONSE_KEY);
		if (bytes === null) return null;
		const info = decodeStored("last results", () => stateProto.ABCIResponsesInfo.decode(bytes));
		if (info.height !== BigInt(height)) return null;
		if (info.responseFinalizeBlock !== null) return info.responseFinalizeBlock;
		return info.legacyAbciResponses === null ? null : responseOfLegacy(info.legacyAbciResponses);
	}

	// ------------------------------------------------------------------------------------------------ pruning

	/**
	 * Removes what is known of the heights from `from` up to, not including, `to`; validators stay from `evidenceHeight`
	 * on. Records that later heights point to are kept, made whole. @throws CairnError `bad-retain-height`
	 */
	async pruneStates(from: Height, to: Height, evidenceHeight: Height): Promise<void> {
		if (from <= 0 || to <= 0 || from >= to) throw badRange(`cannot prune states from height ${from} to ${to}`);
		const validators = this.#validatorsInfo(Math.min(to, evidenceHeight));
		if (validators === null) throw badRange(`validators at height ${to} not found`);
		const params = this.#paramsInfo(to);
		if (params === null) throw badRange(`consensus params at height ${to} not found`);
		const keepSets = new Set<Height>();
		if (validators.validatorSet === null) {
			const changed = Number(validators.lastHeightChanged);
			keepSets.add(changed);
			keepSets.add(lastStoredHeight(to, changed));
		}
		const keepParams = isParamsPointer(params) ? Number(params.lastHeightChanged) : 0;
		let writes: StoreWrite[] = [];
		// Downwards, so that what a kept height points to is still there when it is made whole.
		for (let height = to - 1; height >= from; height--) {
			if (keepSets.has(height)) writes.push(...this.#wholeSet(height));
			else if (height < evidenceHeight) writes.push({ key: validatorsKey(height), remove: true });
			if (height === keepParams) writes.push(...this.#wholeParams(height));
			else writes.push({ key: consensusParamsKey(height), remove: true });
			writes.push({ key: responsesKey(height), remove: true });
			if ((to - height) % HEIGHTS_PER_PRUNE_BATCH === 0) {
				await this.#store.write(writes);
				writes = [];
			}
		}
		await this.#store.write(writes, { sync: true });
		this.#sets.clear();
		this.#storedSets.clear();
	}

	#wholeSet(height: Height): StoreWrite[] {
		const info = this.#validatorsInfo(height);
		if (info !== null && info.validatorSet !== null) return [];
		const set = this.loadValidators(height);
		if (set === null) throw badRange(`validators at height ${height} not found`);
		return [validatorsWrite(height, height, set)];
	}

	#wholeParams(height: Height): StoreWrite[] {
		const info = this.#paramsInfo(height);
		if (info !== null && !isParamsPointer(info)) return [];
		const params = this.loadConsensusParams(height);
		if (params === null) throw badRange(`consensus params at height ${height} not found`);
		return [consensusParamsWrite(height, height, params)];
	}

	// ------------------------------------------------------------------------------------------------ state sync by hand

	/** The height that an offline state sync (`bootstrap-state`) brought the node to, null if there was none. */
	loadOfflineStateSyncHeight(): Height | null {
		const bytes = this.#get(OFFLINE_STATE_SYNC_HEIGHT_KEY);
		return bytes === null ? null : Number(zigzagFromBytes(bytes));
	}

	async saveOfflineStateSyncHeight(height: Height): Promise<void> {
		const write = { key: OFFLINE_STATE_SYNC_HEIGHT_KEY, value: zigzagToBytes(BigInt(height)) };
		await this.#store.write([write], { sync: true });
	}

	async close(): Promise<void> {
		await this.#store.close();
	}

	#get(key: Uint8Array): Uint8Array | null {
		const bytes = this.#store.get(key);
		return bytes === undefined || bytes.length === 0 ? null : bytes;
	}
}

function badRange(why: string): CairnError {
	return new CairnError("bad-retain-height", "app", why);
}
