import { addressOf, type PublicKey } from "@cairn/crypto";
import { CairnError, messageOf } from "@cairn/kit";
import {
	type BlockId,
	type ChainState,
	type ConsensusParams,
	type Header,
	lastResultsHash,
	publicKeyFromProto,
	updateConsensusParams,
	type Validator,
	validateConsensusParams,
	validateConsensusParamUpdate,
} from "@cairn/types";
import type { abci } from "@cairn/types/proto";

/**
 * Turns the application's validator updates into validators, refusing what would halt or fork the chain: negative power,
 * a key type that the params do not allow, an undecodable key, the same key twice (facts §10: a node must survive none
 * of these silently, and says which update it was).
 */
export function validatorUpdatesFromApp(
	updates: readonly abci.ValidatorUpdate[],
	params: ConsensusParams,
): Validator[] {
	const seen = new Set<string>();
	return updates.map((update, index) => {
		const fail = (why: string): never => {
			throw new CairnError("bad-validator-update", "app", `the application's validator update ${index} ${why}`, {
				index,
			});
		};
		if (update.power < 0n) return fail(`has negative power ${update.power}`);
		if (update.pubKey === null) return fail("has no public key");
		let publicKey: PublicKey;
		try {
			publicKey = publicKeyFromProto(update.pubKey);
		} catch (cause) {
			return fail(`has an unusable public key: ${messageOf(cause)}`);
		}
		if (update.power > 0n && !params.validator.pubKeyTypes.includes(publicKey.type)) {
			return fail(`uses key type ${publicKey.type}, which consensus params do not allow`);
		}
		const address = addressOf(publicKey);
		const key = address.join();
		if (seen.has(key)) return fail("repeats a validator that the same block already updates");
		seen.add(key);
		return { address, publicKey, votingPower: update.power, proposerPriority: 0n };
	});
}

/** The state after a block (state/execution.go updateState). The app hash is the one FinalizeBlock answered. */
export function nextState(
	state: ChainState,
	blockId: BlockId,
	header: Header,
	response: abci.ResponseFinalizeBlock,
	updates: readonly Validator[],
): ChainState {
	const height = header.height;
	let nextValidators = state.nextValidators;
	let lastHeightValidatorsChanged = state.lastHeightValidatorsChanged;
	if (updates.length > 0) {
		nextValidators = applyUpdates(state, updates);
		lastHeightValidatorsChanged = height + 2;
	}
	const { params, changed } = nextParams(state, response, header);
	return {
		...state,
		version: changed
			? { ...state.version, consensus: { ...state.version.consensus, app: params.version.app } }
			: state.version,
		lastBlockHeight: height,
		lastBlockId: blockId,
		lastBlockTime: header.time,
		nextValidators: nextValidators.copyIncrementProposerPriority(1),
		validators: state.nextValidators,
		lastValidators: state.validators,
		lastHeightValidatorsChanged,
		consensusParams: params,
		lastHeightConsensusParamsChanged: changed ? height + 1 : state.lastHeightConsensusParamsChanged,
		lastResultsHash: lastResultsHash(response.txResults),
		appHash: response.appHash,
	};
}

function applyUpdates(state: ChainState, updates: readonly Validator[]) {
	try {
		return state.nextValidators.withUpdates(updates);
	} catch (cause) {
		throw new CairnError("bad-validator-update", "app", `changing validator set: ${messageOf(cause)}`, {}, cause);
	}
}

function nextParams(state: ChainState, response: abci.ResponseFinalizeBlock, header: Header) {
	const update = response.consensusParamUpdates;
	if (update === null) return { params: state.consensusParams, changed: false };
	try {
		const params = updateConsensusParams(state.consensusParams, update);
		validateConsensusParams(params);
		validateConsensusParamUpdate(state.consensusParams, update, header.height);
		return { params, changed: true };
	} catch (cause) {
		throw new CairnError("bad-param-update", "app", `updating consensus params: ${messageOf(cause)}`, {}, cause);
	}
}
