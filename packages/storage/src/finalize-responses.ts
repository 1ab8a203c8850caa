import { DecodeError } from "@cairn/kit";
import { abci, state as stateProto } from "@cairn/types/proto";

/**
 * Reads the application's answer to a block, also in the form that CometBFT stored before 0.38 (deliver, begin and end
 * block apart). The two forms can be mistaken for each other when there is no app hash; the old one always has both its
 * begin and its end. @throws DecodeError
 */
export function decodeFinalizeResponse(bytes: Uint8Array): abci.ResponseFinalizeBlock {
	const response = attempt(() => abci.ResponseFinalizeBlock.decode(bytes));
	if (response !== null && response.appHash.length > 0) return response;
	const legacy = attempt(() => stateProto.LegacyABCIResponses.decode(bytes));
	if (legacy !== null && legacy.beginBlock !== null && legacy.endBlock !== null) return responseOfLegacy(legacy);
	if (response === null) throw new DecodeError("neither a FinalizeBlock response nor one from before CometBFT 0.38");
	return response;
}

/** The old form as the new one. The app hash is missing in it. */
export function responseOfLegacy(legacy: stateProto.LegacyABCIResponses): abci.ResponseFinalizeBlock {
	const { deliverTxs, beginBlock, endBlock } = legacy;
	return abci.ResponseFinalizeBlock.create({
		events: [...withMode(beginBlock?.events ?? [], "BeginBlock"), ...withMode(endBlock?.events ?? [], "EndBlock")],
		txResults: deliverTxs,
		validatorUpdates: endBlock?.validatorUpdates ?? [],
		consensusParamUpdates: endBlock?.consensusParamUpdates ?? null,
	});
}

function withMode(events: readonly abci.Event[], mode: string): abci.Event[] {
	return events.map((event) => ({
		...event,
		attributes: [...event.attributes, { key: "mode", value: mode, index: false }],
	}));
}

function attempt<T>(read: () => T): T | null {
	try {
		return read();
	} catch {
		return null;
	}
}
