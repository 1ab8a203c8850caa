import { bytesEqual, CairnError, fromUtf8, toUpperHex, ValidationError } from "@cairn/kit";
import { parseKeyPath } from "./key-path.ts";
import { decodeValueProof, VALUE_PROOF_TYPE } from "./value-proof.ts";

/** One layer of a generalised Merkle proof as it travels (`tendermint.crypto.ProofOp`). */
export interface ProofOp {
	readonly type: string;
	readonly key: Uint8Array;
	readonly data: Uint8Array;
}

/** A decoded layer: from the values (or roots) below to the root of its tree. */
export interface ProofOperator {
	/** Empty for layers that take no part of the key path. */
	readonly key: Uint8Array;
	/** @throws ValidationError if the proof does not hold. */
	run(values: readonly Uint8Array[]): readonly Uint8Array[];
}

/**
 * Applies the layers from the innermost outwards and compares what comes out with `root`; each layer with a key
 * consumes the last key of the path, and all keys must be consumed (crypto/merkle/proof_op.go).
 * @throws ValidationError or DecodeError
 */
export function verifyProofOperators(
	operators: readonly ProofOperator[],
	root: Uint8Array,
	keyPath: string,
	values: readonly Uint8Array[],
): void {
	const keys = parseKeyPath(keyPath);
	let current = values;
	for (const [i, operator] of operators.entries()) {
		if (operator.key.length !== 0) {
			const expected = keys.pop();
			if (expected === undefined) throw new ValidationError("proof: the key path has too few parts");
			if (!bytesEqual(expected, operator.key)) {
				const [found, wanted] = [operator.key, expected].map((key) => JSON.stringify(fromUtf8(key)));
				throw new ValidationError(`proof: operation ${i} is for key ${found}, not ${wanted}`);
			}
		}
		current = operator.run(current);
	}
	const computed = current[0];
	if (computed === undefined) throw new ValidationError("proof: nothing to compare with the root");
	if (!bytesEqual(computed, root)) {
		throw new ValidationError(`proof: leads to ${toUpperHex(computed)}, not to ${toUpperHex(root)}`);
	}
	if (keys.length !== 0) throw new ValidationError("proof: the key path was not used up");
}

/** Knows how to read proof layers by type. A fresh one knows `simple:v`; applications register their own. */
export class ProofRuntime {
	private readonly decoders = new Map<string, (op: ProofOp) => ProofOperator>([[VALUE_PROOF_TYPE, decodeValueProof]]);

	/** @throws CairnError `proof-type-taken` if the type is already known. */
	register(type: string, decode: (op: ProofOp) => ProofOperator): void {
		if (this.decoders.has(type))
			throw new CairnError("proof-type-taken", "us", `proof type ${type} is already registered`);
		this.decoders.set(type, decode);
	}

	/** Returns if the layers prove `value` at `keyPath` under `root`. @throws ValidationError or DecodeError */
	verifyValue(ops: readonly ProofOp[], root: Uint8Array, keyPath: string, value: Uint8Array): void {
		verifyProofOperators(this.decode(ops), root, keyPath, [value]);
	}

	/** Returns if the layers prove that nothing is at `keyPath` under `root`. @throws ValidationError or DecodeError */
	verifyAbsence(ops: readonly ProofOp[], root: Uint8Array, keyPath: string): void {
		verifyProofOperators(this.decode(ops), root, keyPath, []);
	}

	private decode(ops: readonly ProofOp[]): ProofOperator[] {
		return ops.map((op) => {
			const decoder = this.decoders.get(op.type);
			if (decoder === undefined)
				throw new ValidationError(`proof: unknown type ${JSON.stringify(op.type.slice(0, 40))}`);
			return decoder(op);
		});
	}
}
