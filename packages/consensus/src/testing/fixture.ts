import { type PrivateKey, privateKeyFromSeed, publicKeyOf, sha256, sign } from "@cairn/crypto";
import { EMPTY_BYTES, invariant, utf8 } from "@cairn/kit";
import {
	type BlockId,
	isNilBlockId,
	NIL_BLOCK_ID,
	newValidator,
	PRECOMMIT,
	type Proposal,
	proposalSignBytes,
	type TimeNs,
	ValidatorSet,
	type Vote,
	type VoteType,
	voteExtensionSignBytes,
	voteSignBytes,
} from "@cairn/types";
import { HeightVoteSet } from "../parts/height-vote-set.ts";

// Keys, sets, votes and proposals for the tests of this package.

export const CHAIN_ID = "test-chain";
/** A whole second, so that times read well. */
export const GENESIS_TIME: TimeNs = 1_700_000_000_000_000_000n;

/** Keys by validator index. */
export interface TestValidators {
	readonly set: ValidatorSet;
	readonly keys: readonly PrivateKey[];
}

/** Validators with these powers, and their keys in the order of the set. */
export function testValidators(powers: readonly bigint[]): TestValidators {
	const keys = powers.map((_, i) => privateKeyFromSeed("ed25519", sha256(utf8(`validator ${i}`))));
	const set = ValidatorSet.create(keys.map((key, i) => newValidator(publicKeyOf(key), powers[i] ?? 1n)));
	const byAddress = new Map(keys.map((key) => [String(newValidator(publicKeyOf(key), 1n).address), key]));
	const sorted = set.validators.map(({ address }) => {
		const key = byAddress.get(String(address));
		invariant(key !== undefined, "every validator has its key");
		return key;
	});
	return { set, keys: sorted };
}

/** The id of the block called `name`; the nil id for "". */
export function blockIdOf(name: string): BlockId {
	if (name === "") return NIL_BLOCK_ID;
	return { hash: sha256(utf8(`block ${name}`)), partSetHeader: { total: 1, hash: sha256(utf8(`parts ${name}`)) } };
}

export interface VoteFields {
	readonly type: VoteType;
	readonly height: number;
	readonly round: number;
	readonly blockId: BlockId;
	readonly timestamp?: TimeNs;
	/** Signed as well, where it is given and belongs. */
	readonly extension?: Uint8Array;
}

/** A vote of the validator at `index`, signed. */
export function voteOf({ set, keys }: TestValidators, index: number, fields: VoteFields): Vote {
	const key = keys[index];
	const validator = set.getByIndex(index);
	invariant(key !== undefined && validator !== null, "no such validator", { index });
	const { extension, ...place } = fields;
	const unsigned: Vote = {
		timestamp: GENESIS_TIME,
		...place,
		validatorAddress: validator.address,
		validatorIndex: index,
		signature: EMPTY_BYTES,
		extension: extension ?? EMPTY_BYTES,
		extensionSignature: EMPTY_BYTES,
	};
	return signVoteWith(key, unsigned, extension !== undefined);
}

/** Signs as a FilePV does: the extension too where `extended`, and only for a precommit for a block. */
export function signVoteWith(key: PrivateKey, vote: Vote, extended: boolean): Vote {
	const hasExtension = extended && vote.type === PRECOMMIT && !isNilBlockId(vote.blockId);
	return {
		...vote,
		signature: sign(key, voteSignBytes(CHAIN_ID, vote)),
		extensionSignature: hasExtension ? sign(key, voteExtensionSignBytes(CHAIN_ID, vote)) : EMPTY_BYTES,
	};
}

export function signProposalWith(key: PrivateKey, proposal: Proposal): Proposal {
	return { ...proposal, signature: sign(key, proposalSignBytes(CHAIN_ID, proposal)) };
}

export function newHeightVotes(count: number): {
	votes: HeightVoteSet;
	validators: TestValidators;
	block: (name: string) => BlockId;
} {
	const validators = testValidators(Array.from({ length: count }, () => 10n));
	return { votes: new HeightVoteSet(1, validators.set, false), validators, block: blockIdOf };
}
