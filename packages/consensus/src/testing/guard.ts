import { utf8 } from "@cairn/kit";
import { blockIdKey, type Proposal, type Vote } from "@cairn/types";
import type { SignSlot } from "../core/engine.ts";
import type { TendermintStatement } from "../tendermint/protocol.ts";

/** A signer's guard: positions only grow, and the same position gives the same statement again. */
export class Guard {
	#position: SignSlot["position"] | null = null;
	#statement: TendermintStatement | null = null;

	/** The statement as signed, or null where it is refused. */
	sign({ position }: SignSlot, statement: TendermintStatement, signer: number): TendermintStatement | null {
		const order = this.#position === null ? 1 : compare(position, this.#position);
		if (order > 0) {
			this.#position = position;
			this.#statement = signStatement(statement, signer);
			return this.#statement;
		}
		const isSame = order === 0 && this.#statement !== null && sameBut(this.#statement, statement);
		return isSame ? this.#statement : null;
	}
}

function compare(a: readonly number[], b: readonly number[]): number {
	for (const [i, value] of a.entries()) if (value !== b[i]) return value - (b[i] ?? 0);
	return 0;
}

/** Not a real signature: whoever verifies stands before the engine, and is not part of this network. */
function signStatement(statement: TendermintStatement, signer: number): TendermintStatement {
	if (statement.kind === "proposal") return { kind: "proposal", proposal: signedProposal(statement.proposal, signer) };
	return { ...statement, vote: signedVote(statement.vote, statement.extended, signer) };
}

export function signedVote(vote: Vote, extended: boolean, signer: number): Vote {
	const { type, height, round, timestamp } = vote;
	const text = `${signer} ${type} ${height} ${round} ${timestamp} ${blockIdKey(vote.blockId)}`;
	const extensionSignature = extended ? utf8(`x ${signer} ${height} ${round}`) : new Uint8Array(0);
	return { ...vote, signature: utf8(text), extensionSignature };
}

export function signedProposal(proposal: Proposal, signer: number): Proposal {
	return { ...proposal, signature: utf8(`${signer} ${proposal.height} ${proposal.round} ${proposal.timestamp}`) };
}

function sameBut(known: TendermintStatement, asked: TendermintStatement): boolean {
	if (known.kind === "vote" && asked.kind === "vote") {
		return known.vote.type === asked.vote.type && blockIdKey(known.vote.blockId) === blockIdKey(asked.vote.blockId);
	}
	if (known.kind !== "proposal" || asked.kind !== "proposal") return false;
	const isSameBlock = blockIdKey(known.proposal.blockId) === blockIdKey(asked.proposal.blockId);
	return isSameBlock && known.proposal.polRound === asked.proposal.polRound;
}
