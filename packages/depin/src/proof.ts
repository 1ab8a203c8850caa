import { formatKeyPath, type ProofOp, ProofRuntime } from "@cairn/crypto";
import { utf8 } from "@cairn/kit";
import { decodeSmtProof, SMT_PROOF_TYPE } from "./state-machine/ics23.ts";

/** A ProofRuntime that reads this application's proofs beside `simple:v`. */
export function depinProofRuntime(): ProofRuntime {
	const runtime = new ProofRuntime();
	runtime.register(SMT_PROOF_TYPE, decodeSmtProof);
	return runtime;
}

/**
 * Returns if the proof of a query's answer shows that the state with this app hash holds `value` at `key`, or with
 * `value` undefined that it holds nothing there. The answer at height H is proven by the app hash in header H+1.
 * @throws ValidationError, DecodeError
 */
export function verifyStateProof(
	ops: readonly ProofOp[],
	appHash: Uint8Array,
	key: string | Uint8Array,
	value: Uint8Array | undefined,
): void {
	const path = formatKeyPath([{ key: typeof key === "string" ? utf8(key) : key, encoding: "hex" }]);
	const runtime = depinProofRuntime();
	if (value === undefined) runtime.verifyAbsence(ops, appHash, path);
	else runtime.verifyValue(ops, appHash, path, value);
}
