import type { abci, crypto as cryptoProto, types as typesProto } from "@cairn/types/proto";
import {
	type Json,
	jsonBase64,
	jsonBytes,
	jsonInt64,
	jsonList,
	jsonListOrNull,
	jsonObject,
	jsonOrNull,
	jsonString,
} from "./text.ts";

// Two encoders of Go meet here. Messages with a `MarshalJSON` of their own (results, queries, attributes) go through
// protobuf's JSON, which writes every field; the rest goes through `libs/json`, which leaves zero values out where the
// generated code says `omitempty`.

function jsonAttribute({ key, value, index }: abci.EventAttribute): Json {
	return `{"key":${jsonString(key)},"value":${jsonString(value)},"index":${index}}`;
}

/** An event within a result. */
function jsonFullEvent({ type, attributes }: abci.Event): Json {
	return `{"type":${jsonString(type)},"attributes":${jsonList(attributes, jsonAttribute)}}`;
}

/** An event of a block. */
export function jsonEvent({ type, attributes }: abci.Event): Json {
	return jsonObject({
		type: type === "" ? undefined : jsonString(type),
		attributes: attributes.length === 0 ? undefined : jsonList(attributes, jsonAttribute),
	});
}

/** The result of a transaction, or of CheckTx: they have the same fields. */
export function jsonTxResult(result: abci.ExecTxResult | abci.ResponseCheckTx): Json {
	return (
		`{"code":${result.code},"data":${jsonBytes(result.data)},"log":${jsonString(result.log)},` +
		`"info":${jsonString(result.info)},"gas_wanted":${jsonInt64(result.gasWanted)},` +
		`"gas_used":${jsonInt64(result.gasUsed)},"events":${jsonList(result.events, jsonFullEvent)},` +
		`"codespace":${jsonString(result.codespace)}}`
	);
}

/** As `jsonTxResult`, for the `Tx` event: Go does not find the result's own encoder there. */
export function jsonBareTxResult(result: abci.ExecTxResult): Json {
	return jsonObject({
		code: result.code === 0 ? undefined : String(result.code),
		data: result.data.length === 0 ? undefined : jsonBase64(result.data),
		log: nonEmpty(result.log),
		info: nonEmpty(result.info),
		gas_wanted: nonZero(result.gasWanted),
		gas_used: nonZero(result.gasUsed),
		events: result.events.length === 0 ? undefined : jsonList(result.events, jsonEvent),
		codespace: nonEmpty(result.codespace),
	});
}

function nonEmpty(text: string): Json | undefined {
	return text === "" ? undefined : jsonString(text);
}

function nonZero(value: bigint): Json | undefined {
	return value === 0n ? undefined : jsonInt64(value);
}

/** Go's names of the alternatives of a public key. */
const KEY_TYPES = {
	ed25519: "tendermint.crypto.PublicKey_Ed25519",
	secp256k1: "tendermint.crypto.PublicKey_Secp256K1",
	bls12381: "tendermint.crypto.PublicKey_Bls12381",
	mldsa65: "tendermint.crypto.PublicKey_Mldsa65",
	secp256k1eth: "tendermint.crypto.PublicKey_Secp256K1Eth",
} as const;

export function jsonValidatorUpdate({ pubKey: { sum }, power }: abci.ValidatorUpdate): Json {
	const key =
		sum === null
			? "null"
			: `{"type":"${KEY_TYPES[sum.kind]}","value":${jsonObject({
					[sum.kind]: sum.value.length === 0 ? undefined : jsonBase64(sum.value),
				})}}`;
	return jsonObject({ pub_key: `{"Sum":${key}}`, power: nonZero(power) });
}

/** Consensus parameters as the application sends them: what is missing stays as it was. */
export function jsonParamUpdates(params: typesProto.ConsensusParams): Json {
	const { block, evidence, validator, version, abci, authority } = params;
	return jsonObject({
		block:
			block === null ? undefined : jsonObject({ max_bytes: nonZero(block.maxBytes), max_gas: nonZero(block.maxGas) }),
		evidence: evidence === null ? undefined : jsonEvidenceParams(evidence),
		validator:
			validator === null
				? undefined
				: jsonObject({
						pub_key_types: validator.pubKeyTypes.length === 0 ? undefined : jsonList(validator.pubKeyTypes, jsonString),
					}),
		version: version === null ? undefined : jsonObject({ app: nonZero(version.app) }),
		abci:
			abci === null
				? undefined
				: jsonObject({ vote_extensions_enable_height: nonZero(abci.voteExtensionsEnableHeight) }),
		authority: authority === null ? undefined : jsonObject({ authority: nonEmpty(authority.authority) }),
	});
}

function jsonEvidenceParams({ maxAgeNumBlocks, maxAgeDuration, maxBytes }: typesProto.EvidenceParams): Json {
	return jsonObject({
		max_age_num_blocks: nonZero(maxAgeNumBlocks),
		max_age_duration: jsonInt64(maxAgeDuration),
		max_bytes: nonZero(maxBytes),
	});
}

/** The application's answer to a block, as the `NewBlock` event has it. */
export function jsonFinalizeBlock(result: abci.ResponseFinalizeBlock): Json {
	const { events, txResults, validatorUpdates, consensusParamUpdates, appHash } = result;
	return jsonObject({
		events: events.length === 0 ? undefined : jsonList(events, jsonEvent),
		tx_results: txResults.length === 0 ? undefined : jsonList(txResults, jsonTxResult),
		validator_updates: jsonListOrNull(validatorUpdates, jsonValidatorUpdate),
		consensus_param_updates: consensusParamUpdates === null ? undefined : jsonParamUpdates(consensusParamUpdates),
		app_hash: appHash.length === 0 ? undefined : jsonBase64(appHash),
	});
}

export function jsonAppInfo(info: abci.ResponseInfo): Json {
	return jsonObject({
		data: nonEmpty(info.data),
		version: nonEmpty(info.version),
		app_version: nonZero(info.appVersion),
		last_block_height: nonZero(info.lastBlockHeight),
		last_block_app_hash: info.lastBlockAppHash.length === 0 ? undefined : jsonBase64(info.lastBlockAppHash),
	});
}

export function jsonQueryResponse(response: abci.ResponseQuery): Json {
	return (
		`{"code":${response.code},"log":${jsonString(response.log)},"info":${jsonString(response.info)},` +
		`"index":${jsonInt64(response.index)},"key":${jsonBytes(response.key)},"value":${jsonBytes(response.value)},` +
		`"proofOps":${jsonOrNull(response.proofOps, jsonProofOps)},"height":${jsonInt64(response.height)},` +
		`"codespace":${jsonString(response.codespace)}}`
	);
}

function jsonProofOps({ ops }: cryptoProto.ProofOps): Json {
	return `{"ops":${jsonList(ops, jsonProofOp)}}`;
}

function jsonProofOp({ type, key, data }: cryptoProto.ProofOp): Json {
	return `{"type":${jsonString(type)},"key":${jsonBytes(key)},"data":${jsonBytes(data)}}`;
}
