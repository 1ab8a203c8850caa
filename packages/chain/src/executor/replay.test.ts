import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sha256 } from "@cairn/crypto";
import { fromHex, toHex } from "@cairn/kit";
import { blockHash, encodeState, encodeValidatorSet, parseGenesis } from "@cairn/types";
import { abci } from "@cairn/types/proto";
import { BackRoom } from "../testing/test-chain.ts";
import { type HeightVector, recordedChain } from "../testing/vectors.ts";

function assertStoredAnswer(room: BackRoom, height: number, vector: HeightVector): void {
	const answer = room.stateStore.loadFinalizeBlockResponse(height);
	assert.ok(answer !== null, `the answer of height ${height} is stored`);
	const bytes = abci.ResponseFinalizeBlock.encode(answer);
	if (vector.finalize_block_response === undefined) {
		assert.equal(toHex(sha256(bytes)), vector.finalize_block_response_sha256);
	} else assert.equal(toHex(bytes), vector.finalize_block_response);
}

describe("executor replays real chains", () => {
	for (const name of ["single", "four", "short"]) {
		it(`chain-${name} ends in the answers, sets and state of the real node`, async () => {
			const { chain, blocks } = recordedChain(name);
			const room = await BackRoom.started({ genesis: parseGenesis(chain.genesis_json) });
			assert.equal(toHex(room.state.appHash), chain.init_chain_app_hash);
			let state = room.state;
			for (const { block, parts, seenCommit, vector } of blocks) {
				const { height, time } = block.header;
				room.world.time.jumpWall(time + 5_000_000_000n - room.world.clock.wall());
				const known = vector.validator_set;
				if (known) assert.equal(toHex(encodeValidatorSet(state.validators)), known, `set of height ${height}`);
				await room.blockStore.saveBlock(block, parts, seenCommit);
				const id = { hash: blockHash(block), partSetHeader: parts.header };
				const applied = await room.executor.apply(state, id, block);
				state = applied.state;
				assert.equal(state.lastBlockHeight, height);
				assert.equal(toHex(state.appHash), vector.app_hash_after);
				assert.equal(toHex(state.lastResultsHash), vector.last_results_hash_after);
				assertStoredAnswer(room, height, vector);
			}
			assert.equal(toHex(encodeState(state)), chain.final_state_proto);
			assert.deepEqual(room.states.get(new TextEncoder().encode("stateKey")), fromHex(chain.final_state_proto));
			await room.executor.mempoolSettled();
		});
	}
});
