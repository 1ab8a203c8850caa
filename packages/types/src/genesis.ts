import { addressOf, type PublicKey, publicKeyFromJson, publicKeyToJson } from "@cairn/crypto";
import { bytesEqual, DecodeError, EMPTY_BYTES, fromHex, toUpperHex, ValidationError } from "@cairn/kit";
import { blockProtocolOf } from "./block-protocol.ts";
import { safeInteger } from "./integer.ts";
import { MAX_CHAIN_ID_LENGTH } from "./limits.ts";
import {
	type ConsensusEngineChoice,
	type ConsensusParams,
	type GenesisDoc,
	type GenesisValidator,
	GO_ZERO_TIME,
	type TimeNs,
} from "./model.ts";
import { defaultConsensusParams, validateConsensusParams } from "./params.ts";
import { textToBytes } from "./proto/index.ts";
import { RawJson } from "./raw-json.ts";
import { timeFromRfc3339, timeToRfc3339 } from "./time.ts";

/** What a chain runs whose genesis does not say: CometBFT's own protocol, as CometBFT v0.40 plays it. */
export const DEFAULT_CONSENSUS_ENGINE: ConsensusEngineChoice = Object.freeze({ name: "tendermint", rules: "v0.40" });

/**
 * Reads a genesis file by the rules of `GenesisDocFromJSON`, and its key `consensus_engine`, which Go ignores.
 * @param now what a missing genesis time is taken for (Go asks the clock); nodes must agree on it, so give a time
 * @throws DecodeError, ValidationError
 */
export function parseGenesis(text: string, now: TimeNs = GO_ZERO_TIME): GenesisDoc {
	const members = RawJson.parse(text).members();
	const time = readTime(members.get("genesis_time"));
	const params = members.get("consensus_params");
	const hasParams = params !== undefined && !params.isNull;
	const initialHeight = safeInteger(members.get("initial_height")?.int64() ?? 0n, "initial_height");
	const appState = members.get("app_state");
	const doc: GenesisDoc = {
		genesisTime: time === GO_ZERO_TIME ? now : time,
		chainId: members.get("chain_id")?.string() ?? "",
		initialHeight: initialHeight === 0 ? 1 : initialHeight,
		consensusParams: hasParams ? readParams(params) : defaultConsensusParams(),
		validators: (members.get("validators")?.items() ?? []).map(readValidator),
		appHash: readHex(members.get("app_hash")),
		appState: appState === undefined || appState.isNull ? "" : appState.text,
		consensusEngine: readEngine(members.get("consensus_engine")),
	};
	validateGenesis(doc);
	return doc;
}

/**
 * The rules of `ValidateAndComplete` that `parseGenesis` does not complete.
 * @throws ValidationError, CairnError `unknown-consensus-engine`
 */
export function validateGenesis(doc: GenesisDoc): void {
	if (doc.chainId === "") throw new ValidationError("genesis: chain_id must not be empty");
	if (textToBytes(doc.chainId).length > MAX_CHAIN_ID_LENGTH) throw new ValidationError("genesis: chain_id is too long");
	if (doc.initialHeight < 1) throw new ValidationError("genesis: initial_height cannot be negative");
	validateConsensusParams(doc.consensusParams);
	blockProtocolOf(doc.consensusEngine);
	for (const { power, address, publicKey } of doc.validators) {
		if (power === 0n) throw new ValidationError("genesis: a validator has no voting power");
		if (!bytesEqual(address, addressOf(publicKey))) {
			throw new ValidationError(
				`genesis: incorrect address of a validator, should be ${toUpperHex(addressOf(publicKey))}`,
			);
		}
	}
}

function readTime(json: RawJson | undefined): TimeNs {
	const text = json?.quoted();
	if (text === undefined) return GO_ZERO_TIME;
	if (!text.endsWith("Z")) throw new DecodeError("genesis: times must be UTC and end with Z", { text });
	return timeFromRfc3339(text);
}

function readHex(json: RawJson | undefined): Uint8Array {
	const text = json?.quoted();
	return text === undefined ? EMPTY_BYTES : fromHex(text);
}

function readValidator(json: RawJson): GenesisValidator {
	const members = json.members();
	const publicKey = readKey(members.get("pub_key"));
	const address = readHex(members.get("address"));
	return {
		address: address.length === 0 ? addressOf(publicKey) : address,
		publicKey,
		power: members.get("power")?.int64() ?? 0n,
		name: members.get("name")?.string() ?? "",
	};
}

function readKey(json: RawJson | undefined): PublicKey {
	if (json === undefined || json.isNull) throw new DecodeError("genesis: a validator has no public key");
	return publicKeyFromJson(JSON.parse(json.text));
}

function readParams(json: RawJson): ConsensusParams {
	const groups = json.members();
	const group = (name: string): ReadonlyMap<string, RawJson> => groups.get(name)?.members() ?? new Map();
	const integer = (name: string, key: string): bigint => group(name).get(key)?.int64() ?? 0n;
	const types = group("validator").get("pub_key_types")?.items() ?? [];
	const enableHeight = integer("abci", "vote_extensions_enable_height");
	return {
		block: { maxBytes: integer("block", "max_bytes"), maxGas: integer("block", "max_gas") },
		evidence: {
			maxAgeNumBlocks: integer("evidence", "max_age_num_blocks"),
			maxAgeDuration: integer("evidence", "max_age_duration"),
			maxBytes: integer("evidence", "max_bytes"),
		},
		validator: { pubKeyTypes: types.map((type) => type.string()) },
		version: { app: group("version").get("app")?.uint64() ?? 0n },
		abci: { voteExtensionsEnableHeight: safeInteger(enableHeight, "vote_extensions_enable_height") },
		authority: group("authority").get("authority")?.string() ?? "",
	};
}

function readEngine(json: RawJson | undefined): ConsensusEngineChoice {
	if (json === undefined || json.isNull) return DEFAULT_CONSENSUS_ENGINE;
	const members = json.members();
	const name = members.get("name")?.string() ?? "";
	if (name === "") throw new DecodeError("genesis: consensus_engine needs a name");
	const rules = members.get("rules")?.string() ?? "";
	const isTendermint = name === DEFAULT_CONSENSUS_ENGINE.name;
	return { name, rules: rules === "" && isTendermint ? DEFAULT_CONSENSUS_ENGINE.rules : rules };
}

/**
 * The text of a genesis file as CometBFT writes it, indented by two spaces. The key `consensus_engine` appears only
 * where the choice differs from CometBFT's.
 */
export function genesisToJson(doc: GenesisDoc): string {
	const { name, rules } = doc.consensusEngine;
	const isDefault = name === DEFAULT_CONSENSUS_ENGINE.name && rules === DEFAULT_CONSENSUS_ENGINE.rules;
	const value = {
		genesis_time: timeToRfc3339(doc.genesisTime),
		chain_id: doc.chainId,
		initial_height: String(doc.initialHeight),
		...(isDefault ? {} : { consensus_engine: rules === "" ? { name } : { name, rules } }),
		consensus_params: consensusParamsToJson(doc.consensusParams),
		...(doc.validators.length === 0 ? {} : { validators: doc.validators.map(validatorToJson) }),
		app_hash: toUpperHex(doc.appHash),
	};
	const text = escapeForGo(JSON.stringify(value, null, 2));
	if (doc.appState === "") return text;
	return `${text.slice(0, -2)},\n  "app_state": ${indentJson(escapeForGo(doc.appState), "  ")}\n}`;
}

/** The form of consensus parameters in genesis files and RPC answers. */
export function consensusParamsToJson(params: ConsensusParams): Record<string, unknown> {
	const { block, evidence, validator, version, abci, authority } = params;
	return {
		block: { max_bytes: String(block.maxBytes), max_gas: String(block.maxGas) },
		evidence: {
			max_age_num_blocks: String(evidence.maxAgeNumBlocks),
			max_age_duration: String(evidence.maxAgeDuration),
			max_bytes: String(evidence.maxBytes),
		},
		validator: { pub_key_types: validator.pubKeyTypes },
		version: { app: String(version.app) },
		abci: { vote_extensions_enable_height: String(abci.voteExtensionsEnableHeight) },
		authority: { authority },
	};
}

function validatorToJson({ address, publicKey, power, name }: GenesisValidator): Record<string, unknown> {
	return { address: toUpperHex(address), pub_key: publicKeyToJson(publicKey), power: String(power), name };
}

/** Go's encoder escapes what could harm inside HTML. */
function escapeForGo(text: string): string {
	return text.replace(/[<>&\u2028\u2029]/g, (character) => {
		return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
	});
}

/**
 * Go's `json.Indent`: values on lines of their own, texts and numbers as they are, empty objects and arrays closed
 * up.
 */
function indentJson(text: string, base: string): string {
	let out = "";
	let depth = 0;
	const newline = (): string => `\n${base}${"  ".repeat(depth)}`;
	// Texts are passed in runs: matched character by character, a long one would exhaust the stack of the matcher.
	const tokens = text.match(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
	for (const [i, token] of tokens.entries()) {
		if (token === "{" || token === "[") {
			depth++;
			const isEmpty = tokens[i + 1] === "}" || tokens[i + 1] === "]";
			out += isEmpty ? token : token + newline();
		} else if (token === "}" || token === "]") {
			depth--;
			const isEmpty = tokens[i - 1] === "{" || tokens[i - 1] === "[";
			out += isEmpty ? token : newline() + token;
		} else if (token === ",") out += token + newline();
		else out += token === ":" ? ": " : token;
	}
	return out;
}
