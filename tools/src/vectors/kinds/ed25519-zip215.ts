import { type PublicKey, verifyBatch, verifySignature } from "@cairn/crypto";
import type { Checker } from "../checker.ts";
import { hex, same } from "../expectation.ts";

interface SignatureCase {
	readonly pub_key: string;
	readonly msg: string;
	readonly sig: string;
	readonly valid: boolean;
	/** Verdict of a batch that holds the case twice; text where Go does not even take it into one. */
	readonly batch_valid: boolean | string;
}

export const checkEd25519: Checker = (file, tally) => {
	const { cases } = file.content as { cases: readonly SignatureCase[] };
	return tally.checkEach("cases", cases, (each) => {
		// Keys of wrong lengths cannot be made by `publicKey`; the verifier must refuse them all the same.
		const publicKey: PublicKey = { type: "ed25519", bytes: hex(each.pub_key) };
		const claim = { publicKey, message: hex(each.msg), signature: hex(each.sig) };
		same("valid", verifySignature(publicKey, claim.message, claim.signature), each.valid);
		same("batch_valid", verifyBatch([claim, claim]).every(Boolean), each.batch_valid === true);
	});
};
