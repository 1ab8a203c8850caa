import {
	addressOf,
	type PrivateKey,
	privateKeyFromJson,
	privateKeyToJson,
	publicKeyOf,
	publicKeyToJson,
} from "@cairn/crypto";
import {
	CairnError,
	EMPTY_BYTES,
	fromBase64,
	fromHex,
	fromUtf8,
	messageOf,
	toBase64,
	toUpperHex,
	utf8,
} from "@cairn/kit";
import { EMPTY_GUARD, type GuardState, type LaneState, type Position } from "./guard.ts";
import { CHAIN_LANE, STEP_NONE, STEP_PRECOMMIT } from "./statement.ts";

// The texts of priv_validator_key.json and priv_validator_state.json, byte for byte as CometBFT writes them
// (privval/file.go with libs/json: 64-bit integers as text, two spaces, no newline at the end).

const MAX_INT32 = 2147483647;
const UNSIGNED: Position = [0, 0, STEP_NONE];

/** Content of priv_validator_key.json. */
export function formatKeyFile(key: PrivateKey): Uint8Array {
	const publicKey = publicKeyOf(key);
	const content = {
		address: toUpperHex(addressOf(publicKey)),
		pub_key: publicKeyToJson(publicKey),
		priv_key: privateKeyToJson(key),
	};
	return utf8(JSON.stringify(content, undefined, 2));
}

/**
 * The private key in a key file. Address and public key are derived from it, not read, as CometBFT does.
 * @throws CairnError `signer-key-file` naming file and field
 */
export function parseKeyFile(bytes: Uint8Array, path: string): PrivateKey {
	const fail = (problem: string): CairnError =>
		new CairnError("signer-key-file", "operator", `${path}: ${problem}. Restore the file from its backup.`, { path });
	const content = parseObject(bytes, fail);
	if (content.priv_key === undefined) throw fail('field "priv_key" is missing, expected {"type": …, "value": …}');
	try {
		return privateKeyFromJson(content.priv_key);
	} catch (cause) {
		throw fail(`field "priv_key": ${messageOf(cause)}`);
	}
}

/** Content of priv_validator_state.json. */
export function formatStateFile(state: GuardState): Uint8Array {
	const { position, signBytes, signature } = state.get(CHAIN_LANE) ?? { position: UNSIGNED, ...NOTHING_SIGNED };
	const content = {
		height: String(position[0]),
		round: position[1],
		step: position[2],
		...(signature.length > 0 && { signature: toBase64(signature) }),
		...(signBytes.length > 0 && { signbytes: toUpperHex(signBytes) }),
	};
	return utf8(JSON.stringify(content, undefined, 2));
}

const NOTHING_SIGNED = { signBytes: EMPTY_BYTES, signature: EMPTY_BYTES };

/**
 * What a state file says was signed last. Doubtful content is refused rather than guessed at: a wrong guess costs the
 * stake.
 * @throws CairnError `signer-state-file` naming file and field
 */
export function parseStateFile(bytes: Uint8Array, path: string): GuardState {
	const fail = (problem: string): CairnError =>
		new CairnError(
			"signer-state-file",
			"operator",
			`${path}: ${problem}. It guards against double signing: restore the newest copy, and only if this key has ` +
				`never signed on any machine write {"height": "0", "round": 0, "step": 0} into it.`,
			{ path },
		);
	const content = parseObject(bytes, fail);
	const lane: LaneState = {
		position: [readHeight(content.height, fail), readRound(content.round, fail), readStep(content.step, fail)],
		signature: readBytes("signature", "base64", content.signature, fromBase64, fail),
		signBytes: readBytes("signbytes", "hexadecimal", content.signbytes, fromHex, fail),
	};
	if (lane.signBytes.length > 0 && lane.signature.length === 0) {
		throw fail('"signbytes" is there but "signature" is missing');
	}
	if (lane.signature.length > 0 && lane.signBytes.length === 0) {
		// As in CometBFT, such a position is burnt: nothing more can be signed at it.
		return new Map([[CHAIN_LANE, { position: lane.position, ...NOTHING_SIGNED }]]);
	}
	return isUnsigned(lane) ? EMPTY_GUARD : new Map([[CHAIN_LANE, lane]]);
}

function isUnsigned({ position, signature }: LaneState): boolean {
	return position.every((part) => part === 0) && signature.length === 0;
}

type Fail = (problem: string) => CairnError;

function parseObject(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
	if (bytes.length === 0) throw fail("the file is empty");
	let content: unknown;
	try {
		content = JSON.parse(fromUtf8(bytes));
	} catch {
		// The parser's message quotes the text around the fault, which may be the key.
		throw fail("the file is not JSON");
	}
	if (typeof content !== "object" || content === null || Array.isArray(content))
		throw fail("the file is not a JSON object");
	return content as Record<string, unknown>;
}

function readHeight(value: unknown, fail: Fail): number {
	if (value === undefined) return 0;
	if (typeof value !== "string" || !/^(0|[1-9]\d*)$/.test(value) || !Number.isSafeInteger(Number(value))) {
		throw fail(`field "height" is ${JSON.stringify(value)}, expected a whole number as text, like "38"`);
	}
	return Number(value);
}

function readRound(value: unknown, fail: Fail): number {
	if (value === undefined) return 0;
	if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > MAX_INT32) {
		throw fail(`field "round" is ${JSON.stringify(value)}, expected a whole number from 0 to ${MAX_INT32}`);
	}
	return value;
}

function readStep(value: unknown, fail: Fail): number {
	if (value === undefined) return STEP_NONE;
	if (typeof value !== "number" || !Number.isInteger(value) || value < STEP_NONE || value > STEP_PRECOMMIT) {
		throw fail(
			`field "step" is ${JSON.stringify(value)}, expected 0 (none), 1 (proposal), 2 (prevote) or 3 (precommit)`,
		);
	}
	return value;
}

function readBytes(
	field: string,
	encoding: string,
	value: unknown,
	decode: (text: string) => Uint8Array,
	fail: Fail,
): Uint8Array {
	if (value === undefined || value === null) return EMPTY_BYTES;
	try {
		if (typeof value === "string") return decode(value);
	} catch {
		// Told below with the name of the field.
	}
	throw fail(`field "${field}" is not ${encoding} text`);
}
