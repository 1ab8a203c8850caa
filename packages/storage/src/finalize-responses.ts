import { concatBytes, DecodeError } from "@cairn/kit";
import { encodedTxResults, type Height } from "@cairn/types";
import { abci, state as stateProto, Writer } from "@cairn/types/proto";

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

const TX_RESULTS_TAG = 18;
const INFO_HEIGHT_TAG = 16;
const INFO_RESPONSE_TAG = 26;

/** As the codec encodes it, from results that are encoded already or will be needed so again. */
export function encodeFinalizeResponse(response: abci.ResponseFinalizeBlock): Uint8Array {
	const { encode, create } = abci.ResponseFinalizeBlock;
	const writer = new Writer();
	// Writers work from the back to the front.
	for (const result of [...encodedTxResults(response.txResults)].reverse()) writer.bytes(TX_RESULTS_TAG, result);
	const before = encode(create({ events: response.events }));
	const after = encode({ ...response, events: [], txResults: [] });
	return concatBytes(before, writer.take(0), after);
}

/** `ABCIResponsesInfo` of a height, from its response encoded. */
export function encodeResponsesInfo(height: Height, response: Uint8Array): Uint8Array {
	const writer = new Writer();
	writer.bytes(INFO_RESPONSE_TAG, response);
	if (height !== 0) writer.int64(INFO_HEIGHT_TAG, BigInt(height));
	return writer.take(0);
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
