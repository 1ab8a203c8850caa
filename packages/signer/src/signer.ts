import type { PublicKey } from "@cairn/crypto";
import type { Proposal, Vote } from "@cairn/types";

/**
 * Holder of a validator's key. Whatever the implementation (a file, a remote signer, an HSM), it never signs two
 * different statements at one position, and what it signed is durable before its promise resolves.
 */
export interface Signer {
	readonly publicKey: PublicKey;
	/** Address of the key, 20 bytes. */
	readonly address: Uint8Array;
	/**
	 * The vote as signed: take the time from it, it is the older one where only the time differs from what was signed
	 * before. With `signExtension` a precommit for a block also gets an extension signature, made anew every time.
	 * @throws CairnError `double-sign-guard` if another statement or a later position was signed
	 */
	signVote(chainId: string, vote: Vote, signExtension: boolean): Promise<Vote>;
	/** The proposal as signed; rules as for votes. @throws CairnError `double-sign-guard` */
	signProposal(chainId: string, proposal: Proposal): Promise<Proposal>;
}
