import type { ChainEvent } from "@cairn/chain";
import { jsonBareTxResult, jsonEvent, jsonFinalizeBlock } from "./abci.ts";
import { jsonBlock, jsonBlockId, jsonHeader } from "./block.ts";
import { jsonEvidence } from "./evidence.ts";
import {
	type Json,
	jsonBase64,
	jsonHex,
	jsonInt64,
	jsonList,
	jsonListOrNull,
	jsonObject,
	jsonString,
	jsonTyped,
} from "./text.ts";
import { jsonValidator } from "./validator.ts";
import { jsonVote } from "./vote.ts";

/** What a subscriber gets in `data`: type and content of an event (types/events.go). */
export function jsonEventData(event: ChainEvent): Json {
	switch (event.name) {
		case "NewBlock":
			return jsonTyped(
				"tendermint/event/NewBlock",
				`{"block":${jsonBlock(event.block)},"block_id":${jsonBlockId(event.blockId)},` +
					`"result_finalize_block":${jsonFinalizeBlock(event.result)}}`,
			);
		case "NewBlockHeader":
			return jsonTyped("tendermint/event/NewBlockHeader", `{"header":${jsonHeader(event.header)}}`);
		case "NewBlockEvents":
			return jsonTyped(
				"tendermint/event/NewBlockEvents",
				`{"height":${jsonInt64(event.height)},"events":${jsonListOrNull(event.events, jsonEvent)},` +
					`"num_txs":${jsonInt64(event.numTxs)}}`,
			);
		case "NewEvidence":
			return jsonTyped(
				"tendermint/event/NewEvidence",
				`{"height":${jsonInt64(event.height)},"evidence":${jsonEvidence(event.evidence)}}`,
			);
		case "Tx":
			return jsonTyped("tendermint/event/Tx", `{"TxResult":${jsonTxOf(event)}}`);
		case "ValidatorSetUpdates":
			return jsonTyped(
				"tendermint/event/ValidatorSetUpdates",
				`{"validator_updates":${jsonList(event.validatorUpdates, jsonValidator)}}`,
			);
		case "Vote":
			return jsonTyped("tendermint/event/Vote", `{"Vote":${jsonVote(event.vote)}}`);
		case "NewRound":
			return jsonTyped(
				"tendermint/event/NewRound",
				`{${position(event)},"proposer":{"address":${jsonHex(event.proposer.address)},"index":${event.proposer.index}}}`,
			);
		case "CompleteProposal":
			return jsonTyped(
				"tendermint/event/CompleteProposal",
				`{${position(event)},"block_id":${jsonBlockId(event.blockId)}}`,
			);
		default:
			return jsonTyped("tendermint/event/RoundState", `{${position(event)}}`);
	}
}

function position({
	height,
	round,
	step,
}: {
	readonly height: number;
	readonly round: number;
	readonly step: string;
}): string {
	return `"height":${jsonInt64(height)},"round":${round},"step":${jsonString(step)}`;
}

function jsonTxOf({ height, index, tx, result }: Extract<ChainEvent, { readonly name: "Tx" }>): Json {
	return jsonObject({
		height: height === 0 ? undefined : jsonInt64(height),
		index: index === 0 ? undefined : String(index),
		tx: tx.length === 0 ? undefined : jsonBase64(tx),
		result: jsonBareTxResult(result),
	});
}

/** The attributes of an event by composite key, as they were matched. */
export function jsonEventMap(events: ReadonlyMap<string, readonly string[]>): Json {
	const pairs = [...events].map(([key, values]) => `${jsonString(key)}:${jsonList(values, jsonString)}`);
	return `{${pairs.join(",")}}`;
}
