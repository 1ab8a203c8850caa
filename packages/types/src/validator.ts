import { addressOf, type KeyType, type PublicKey, publicKey } from "@cairn/crypto";
import { bytesEqual, DecodeError, ValidationError } from "@cairn/kit";
import type { Validator } from "./model.ts";
import { type abci, type crypto as cryptoPb, types as pb } from "./proto/index.ts";

const ARM_OF_TYPE = {
	ed25519: "ed25519",
	secp256k1: "secp256k1",
	secp256k1eth: "secp256k1eth",
	ml_dsa_65: "mldsa65",
} as const satisfies Readonly<Record<KeyType, string>>;

const TYPE_OF_ARM = {
	ed25519: "ed25519",
	secp256k1: "secp256k1",
	secp256k1eth: "secp256k1eth",
	mldsa65: "ml_dsa_65",
	bls12381: "bls12_381",
} as const;

export function publicKeyToProto(key: PublicKey): cryptoPb.PublicKey {
	return { sum: { kind: ARM_OF_TYPE[key.type], value: key.bytes } };
}

/** @throws DecodeError without a key, for BLS keys (not in the default CometBFT either), on a wrong length */
export function publicKeyFromProto(proto: cryptoPb.PublicKey | null): PublicKey {
	const sum = proto?.sum ?? null;
	if (sum === null) throw new DecodeError("public key is missing");
	return publicKey(TYPE_OF_ARM[sum.kind], sum.value);
}

/** A validator that is new to the rotation. */
export function newValidator(key: PublicKey, votingPower: bigint): Validator {
	return { address: addressOf(key), publicKey: key, votingPower, proposerPriority: 0n };
}

/** What the hash of a validator set covers of one validator: key and power (`SimpleValidator`). */
export function validatorLeaf({ publicKey: key, votingPower }: Validator): Uint8Array {
	return pb.SimpleValidator.encode({ pubKey: publicKeyToProto(key), votingPower });
}

export function validatorToProto(validator: Validator): pb.Validator {
	const { address, publicKey: key, votingPower, proposerPriority } = validator;
	return { address, pubKey: publicKeyToProto(key), votingPower, proposerPriority };
}

/** Checks the key only, as Go; `validateValidator` does the rest. @throws DecodeError */
export function validatorFromProto(proto: pb.Validator | null): Validator {
	if (proto === null) throw new DecodeError("validator is missing");
	const { address, pubKey, votingPower, proposerPriority } = proto;
	return { address, publicKey: publicKeyFromProto(pubKey), votingPower, proposerPriority };
}

export function encodeValidator(validator: Validator): Uint8Array {
	return pb.Validator.encode(validatorToProto(validator));
}

/** @throws DecodeError */
export function decodeValidator(bytes: Uint8Array): Validator {
	return validatorFromProto(pb.Validator.decode(bytes));
}

/** Power is not negative and the address is the key's (`Validator.ValidateBasic`). @throws ValidationError */
export function validateValidator(validator: Validator): void {
	if (validator.votingPower < 0n) throw new ValidationError("validator has negative voting power");
	if (!bytesEqual(validator.address, addressOf(validator.publicKey))) {
		throw new ValidationError("validator address is not derived from its public key");
	}
}

/** The validators that an application's updates name; power 0 stands for a removal. @throws DecodeError on a bad key */
export function validatorsFromUpdates(updates: readonly abci.ValidatorUpdate[]): Validator[] {
	return updates.map(({ pubKey, power }) => newValidator(publicKeyFromProto(pubKey), power));
}
