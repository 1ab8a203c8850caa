import { CairnError } from "@cairn/kit";
import { type ChainState, COMETBFT_VERSION, type Height } from "@cairn/types";
import type { BlockStore } from "./block-store.ts";
import type { StateStore } from "./state-store.ts";

/**
 * Takes the chain state back by one height, so that the last block is executed again (state/rollback.go). The
 * application's own state is not touched. Where the last block was stored but not executed, only that block is dropped.
 * @param removeBlock also removes the last block, so that it is decided or fetched again
 * @throws CairnError `cannot-roll-back`, saying what is missing
 */
export async function rollBack(blocks: BlockStore, states: StateStore, removeBlock: boolean): Promise<ChainState> {
	const state = states.load();
	if (state === null) throw cannot("no state found");
	const last = state.lastBlockHeight;
	if (blocks.height === last + 1) {
		if (removeBlock) await blocks.deleteLatestBlock();
		return state;
	}
	if (blocks.height !== last) {
		throw cannot(`statestore height (${last}) is not one below or equal to blockstore height (${blocks.height})`);
	}
	const previous = previousState(state, blocks, states);
	await states.save(previous);
	if (removeBlock) await blocks.deleteLatestBlock();
	return previous;
}

function previousState(state: ChainState, blocks: BlockStore, states: StateStore): ChainState {
	const last = state.lastBlockHeight;
	const height = last - 1;
	const target = blocks.loadBlockMeta(height);
	if (target === null) throw missing(height);
	// The hashes of what a block brought about are agreed on only in the block after it.
	const latest = blocks.loadBlockMeta(last);
	if (latest === null) throw missing(last);
	const lastValidators = states.loadValidators(height);
	if (lastValidators === null) throw cannot(`could not find validator set for height #${height}`);
	const consensusParams = states.loadConsensusParams(last);
	if (consensusParams === null) throw cannot(`could not find consensus params for height #${last}`);
	return {
		version: {
			consensus: { block: state.version.consensus.block, app: consensusParams.version.app },
			software: COMETBFT_VERSION,
		},
		chainId: state.chainId,
		initialHeight: state.initialHeight,
		lastBlockHeight: target.header.height,
		lastBlockId: target.blockId,
		lastBlockTime: target.header.time,
		nextValidators: state.validators,
		validators: state.lastValidators,
		lastValidators,
		lastHeightValidatorsChanged: Math.min(state.lastHeightValidatorsChanged, last + 1),
		consensusParams,
		lastHeightConsensusParamsChanged: Math.min(state.lastHeightConsensusParamsChanged, last),
		lastResultsHash: latest.header.lastResultsHash,
		appHash: latest.header.appHash,
	};
}

function missing(height: Height): CairnError {
	return cannot(`block at height ${height} not found`);
}

function cannot(why: string): CairnError {
	return new CairnError("cannot-roll-back", "operator", `the state cannot be rolled back: ${why}`);
}
