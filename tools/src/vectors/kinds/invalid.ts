import { validatorUpdatesFromApp } from "@cairn/chain";
import {
	checkCompatible,
	decodeNodeInfo,
	encodeNodeInfoDelimited,
	type NodeInfo,
	validateNodeInfo,
} from "@cairn/network";
import {
	BitArray,
	decodeBlock,
	decodeValidatorSet,
	defaultConsensusParams,
	validateBlock,
	validateConsensusParamUpdate,
} from "@cairn/types";
import {
	type abci,
	bits,
	encodeDelimited,
	fromProtoJson,
	type Json,
	p2p,
	readDelimited,
	types,
} from "@cairn/types/proto";
import { type Checker, fail } from "../checker.ts";
import { hex, same, sameBytes, sameError, sameVerdict } from "../expectation.ts";
import { checkMessage, type MessageCase } from "./invalid-messages.ts";

interface BlockCase {
	readonly block_proto: string;
	readonly accepted: boolean;
	readonly error: string | null;
}

interface ValidatorSetCase {
	readonly validator_set_proto: string;
	readonly accepted: boolean;
	readonly error: string | null;
}

interface ValidatorUpdateCase {
	readonly update: Json;
	readonly accepted: boolean;
	readonly error: string | null;
}

interface ParamUpdateCase {
	readonly height: string;
	readonly current_enable_height: string;
	readonly updated_enable_height: string;
	readonly error: string | null;
}

interface BitArrayCase {
	readonly string: string;
	readonly json: string;
	readonly bytes: string;
	readonly proto: string;
	/** Of the complement; Go's has ones beyond its size, which ours never has. */
	readonly not_proto: string;
}

interface NodeInfoCase {
	readonly name: string;
	readonly json: Json;
	readonly delimited_hex: string;
	readonly validate_error: string | null;
	readonly ok_node_compatible_with_this_error: string | null;
}

function checkBlock(each: BlockCase): void {
	same("accepted and error", each.accepted, each.error === null);
	sameVerdict("block", each.accepted, () => {
		const block = decodeBlock(hex(each.block_proto));
		validateBlock(block);
	});
}

function checkValidatorSet(each: ValidatorSetCase): void {
	same("accepted and error", each.accepted, each.error === null);
	sameVerdict("validator set", each.accepted, () => decodeValidatorSet(hex(each.validator_set_proto)));
}

function checkValidatorUpdate(each: ValidatorUpdateCase): void {
	same("accepted and error", each.accepted, each.error === null);
	const update = fromProtoJson("tendermint.abci.ValidatorUpdate", each.update) as abci.ValidatorUpdate;
	sameVerdict("validator update", each.accepted, () => validatorUpdatesFromApp([update], defaultConsensusParams()));
}

function checkParamUpdate(each: ParamUpdateCase): void {
	const abciParams = { voteExtensionsEnableHeight: Number(each.current_enable_height) };
	const params = { ...defaultConsensusParams(), abci: abciParams };
	const wanted = { voteExtensionsEnableHeight: BigInt(each.updated_enable_height) };
	const update = types.ConsensusParams.create({ abci: wanted });
	sameError("error", each.error, () => validateConsensusParamUpdate(params, update, Number(each.height)));
}

function checkBitArray(each: BitArrayCase): void {
	const array = BitArray.fromJson(JSON.parse(each.json));
	same("string", array.toDisplay(), each.string);
	same("json", JSON.stringify(array), each.json);
	sameBytes("bytes", array.toBytes(), each.bytes);
	const encode = (of: BitArray) => bits.BitArray.encode(of.toProto() ?? fail("no proto of an empty array"));
	sameBytes("proto", encode(array), each.proto);
	const decode = (proto: string) => BitArray.fromProto(bits.BitArray.decode(hex(proto)));
	same("decoded", decode(each.proto).toDisplay(), each.string);
	same("not_proto", array.not().toDisplay(), decode(each.not_proto).toDisplay());
	same("not of not", array.not().not().toDisplay(), each.string);
}

function checkNodeInfo(each: NodeInfoCase, ok: NodeInfo): void {
	const stream = hex(each.delimited_hex);
	const found = readDelimited(stream, 0, stream.length) ?? fail("node info is not whole");
	const proto = fromProtoJson("tendermint.p2p.DefaultNodeInfo", each.json) as p2p.DefaultNodeInfo;
	same("json", encodeDelimited(p2p.DefaultNodeInfo.encode(proto)), stream);
	const info = decodeNodeInfo(found.message);
	sameBytes("delimited_hex", encodeNodeInfoDelimited(info), each.delimited_hex);
	sameError("validate_error", each.validate_error, () => validateNodeInfo(info));
	sameError("ok_node_compatible_with_this_error", each.ok_node_compatible_with_this_error, () =>
		checkCompatible(ok, info),
	);
}

/** The node that the others are compared with. */
function okNode(cases: readonly NodeInfoCase[]): NodeInfo {
	const ok = cases.find(({ name }) => name === "ok") ?? cases[0] ?? fail("no node info");
	const stream = hex(ok.delimited_hex);
	return decodeNodeInfo((readDelimited(stream, 0, stream.length) ?? fail("node info is not whole")).message);
}

export const checkInvalid: Checker = async (file, tally) => {
	const content = file.content as {
		readonly messages: readonly MessageCase[];
		readonly blocks: readonly BlockCase[];
		readonly validator_sets: readonly ValidatorSetCase[];
		readonly abci_validator_updates: readonly ValidatorUpdateCase[];
		readonly vote_ext_param_updates: readonly ParamUpdateCase[];
		readonly bit_arrays: readonly BitArrayCase[];
		readonly node_infos: readonly NodeInfoCase[];
	};
	await tally.checkEach("messages", content.messages, (each) => checkMessage(each, content.messages));
	await tally.checkEach("blocks", content.blocks, checkBlock);
	await tally.checkEach("validator_sets", content.validator_sets, checkValidatorSet);
	await tally.checkEach("abci_validator_updates", content.abci_validator_updates, checkValidatorUpdate);
	await tally.checkEach("vote_ext_param_updates", content.vote_ext_param_updates, checkParamUpdate);
	await tally.checkEach("bit_arrays", content.bit_arrays, checkBitArray);
	await tally.checkEach("node_infos", content.node_infos, (each) => checkNodeInfo(each, okNode(content.node_infos)));
};
