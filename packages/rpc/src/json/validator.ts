import { type PublicKey, publicKeyToJson } from "@cairn/crypto";
import type { Validator, ValidatorSet } from "@cairn/types";
import { type Json, jsonHex, jsonInt64, jsonList, jsonOrNull } from "./text.ts";

export function jsonPublicKey(key: PublicKey): Json {
	return JSON.stringify(publicKeyToJson(key));
}

export function jsonValidator({ address, publicKey, votingPower, proposerPriority }: Validator): Json {
	return (
		`{"address":${jsonHex(address)},"pub_key":${jsonPublicKey(publicKey)},` +
		`"voting_power":${jsonInt64(votingPower)},"proposer_priority":${jsonInt64(proposerPriority)}}`
	);
}

export function jsonValidatorSet({ validators, proposer }: ValidatorSet): Json {
	return `{"validators":${jsonList(validators, jsonValidator)},"proposer":${jsonOrNull(proposer, jsonValidator)}}`;
}
