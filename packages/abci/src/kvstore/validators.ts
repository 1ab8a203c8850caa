import { addressOf, type KeyType, type PublicKey, publicKey } from "@cairn/crypto";
import { toHex } from "@cairn/kit";
import type { abci, crypto } from "@cairn/types/proto";
import type { ValidatorTransaction } from "./transaction.ts";

/** Greatest total power of a validator set in CometBFT: an eighth of the greatest int64. */
const MAX_TOTAL_POWER = 9223372036854775807n / 8n;

/** A validator with the key as updates carry it. */
export interface KvValidator {
	readonly address: string;
	readonly publicKey: PublicKey;
	readonly power: bigint;
}

type ProtoKey = NonNullable<crypto.PublicKey["sum"]>;
const KEY_TYPES: Readonly<Record<Exclude<ProtoKey["kind"], "bls12381">, KeyType>> = {
	ed25519: "ed25519",
	secp256k1: "secp256k1",
	secp256k1eth: "secp256k1eth",
	mldsa65: "ml_dsa_65",
};
const PROTO_KINDS: Readonly<Record<KeyType, ProtoKey["kind"]>> = {
	ed25519: "ed25519",
	secp256k1: "secp256k1",
	secp256k1eth: "secp256k1eth",
	ml_dsa_65: "mldsa65",
};

/** @throws DecodeError on a key type that is not built, or a wrong length */
export function validatorFromUpdate(update: abci.ValidatorUpdate): KvValidator {
	const sum = update.pubKey.sum;
	const key = publicKey(
		sum === null ? "none" : sum.kind === "bls12381" ? "bls12_381" : KEY_TYPES[sum.kind],
		sum?.value ?? new Uint8Array(0),
	);
	return { address: toHex(addressOf(key)), publicKey: key, power: update.power };
}

export function validatorFromTransaction(transaction: ValidatorTransaction): KvValidator {
	const key: PublicKey = { type: transaction.keyType, bytes: transaction.key };
	return { address: toHex(addressOf(key)), publicKey: key, power: transaction.power };
}

export function updateOf({ publicKey: key, power }: KvValidator): abci.ValidatorUpdate {
	return { pubKey: { sum: { kind: PROTO_KINDS[key.type], value: key.bytes } }, power };
}

type Validators = ReadonlyMap<string, KvValidator>;

function isAcceptable(validators: Validators): boolean {
	let total = 0n;
	for (const { power } of validators.values()) total += power;
	return validators.size > 0 && total <= MAX_TOTAL_POWER;
}

function applied(validators: Validators, changes: Iterable<KvValidator>): Map<string, KvValidator> {
	const result = new Map(validators);
	for (const change of changes) {
		if (change.power === 0n) result.delete(change.address);
		else result.set(change.address, change);
	}
	return result;
}

/**
 * The changes of one block as a node can take them: where CometBFT's example sends changes that make every node halt,
 * this leaves them out. At most one change per validator (the last one), no removal of somebody who is no validator, no
 * empty set and no total power above the limit. Changes that a CometBFT node accepts come out as they are.
 */
export function acceptableChanges(validators: Validators, changes: readonly KvValidator[]): readonly KvValidator[] {
	const lastChanges = new Map<string, KvValidator>();
	for (const change of changes) lastChanges.set(change.address, change);
	const wanted = [...lastChanges.values()].filter(
		({ address, power }) => power > 0n || (power === 0n && validators.has(address)),
	);
	if (wanted.length === 0 || isAcceptable(applied(validators, wanted))) return wanted;
	const taken: KvValidator[] = [];
	for (const change of wanted) {
		if (isAcceptable(applied(validators, [...taken, change]))) taken.push(change);
	}
	return taken;
}
