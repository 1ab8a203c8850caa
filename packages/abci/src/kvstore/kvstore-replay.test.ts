import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sha256 } from "@cairn/crypto";
import { toHex } from "@cairn/kit";
import { abci } from "@cairn/types/proto";
import { initChainOf, readChain, replay } from "../test-vector.ts";
import { openKvStore } from "./kvstore.ts";

describe("kvstore replays real chains", () => {
	for (const name of ["single", "four", "short"]) {
		it(`chain-${name}: every answer is the one that CometBFT stored`, async () => {
			const { chain, blocks } = readChain(name);
			assert.equal(blocks.length, chain.heights.length);
			const application = await openKvStore();
			const begun = await application.initChain(initChainOf(chain));
			assert.equal(toHex(begun.appHash), chain.init_chain_app_hash);
			let at = 0;
			let updates = 0;
			await replay(application, blocks, blocks.length, (response, block) => {
				const expected = chain.heights[at++];
				assert.ok(expected !== undefined);
				assert.equal(block.evidence.evidence.length, 0);
				assert.equal(String(block.header.height), expected.height);
				assert.equal(response.txResults.length, expected.num_txs);
				assert.equal(toHex(response.appHash), expected.app_hash_after);
				assert.equal(response.validatorUpdates.length, expected.validator_updates?.length ?? 0);
				updates += response.validatorUpdates.length;
				const bytes = abci.ResponseFinalizeBlock.encode(response);
				if (expected.finalize_block_response === undefined) {
					assert.equal(toHex(sha256(bytes)), expected.finalize_block_response_sha256);
				} else assert.equal(toHex(bytes), expected.finalize_block_response);
			});
			assert.ok(updates > 0, "the chain changes its validators");
			const info = await application.info(abci.RequestInfo.create());
			assert.equal(info.lastBlockHeight, BigInt(blocks.length));
		});
	}

	it("finds every proposed block acceptable", async () => {
		const { chain, blocks } = readChain("single");
		const application = await openKvStore();
		await application.initChain(initChainOf(chain));
		for (const block of blocks) {
			const judged = await application.processProposal(abci.RequestProcessProposal.create({ txs: block.data.txs }));
			assert.equal(judged.status, abci.ResponseProcessProposalProposalStatus.ACCEPT);
			const made = await application.prepareProposal(abci.RequestPrepareProposal.create({ txs: block.data.txs }));
			assert.deepEqual(made.txs, block.data.txs);
		}
	});
});
