import {
	BLOCK_PART_SIZE_BYTES,
	hasTooManyParts,
	MAX_BLOCK_PARTS_COUNT,
	MAX_BLOCK_SIZE_BYTES,
	MAX_CHAIN_ID_LENGTH,
	MAX_COMMIT_OVERHEAD_BYTES,
	MAX_COMMIT_SIG_BYTES,
	MAX_HEADER_BYTES,
	MAX_OVERHEAD_FOR_BLOCK,
	MAX_SIGNATURE_SIZE,
	MAX_TOTAL_VOTING_POWER,
	MAX_VOTE_EXTENSION_SIZE,
	MAX_VOTES_COUNT,
	maxCommitBytes,
	maxDataBytes,
	PRIORITY_WINDOW_SIZE_FACTOR,
} from "@cairn/types";
import { type Checker, fail } from "../checker.ts";
import { same, sameError, sameInteger } from "../expectation.ts";

const CONSTANTS: Readonly<Record<string, number | bigint>> = {
	BlockPartSizeBytes: BLOCK_PART_SIZE_BYTES,
	MaxBlockPartsCount: MAX_BLOCK_PARTS_COUNT,
	MaxBlockSizeBytes: MAX_BLOCK_SIZE_BYTES,
	MaxChainIDLen: MAX_CHAIN_ID_LENGTH,
	MaxCommitOverheadBytes: MAX_COMMIT_OVERHEAD_BYTES,
	MaxCommitSigBytes: MAX_COMMIT_SIG_BYTES,
	MaxHeaderBytes: MAX_HEADER_BYTES,
	MaxOverheadForBlock: MAX_OVERHEAD_FOR_BLOCK,
	MaxSignatureSize: MAX_SIGNATURE_SIZE,
	MaxTotalVotingPower: MAX_TOTAL_VOTING_POWER,
	MaxVoteExtensionSize: MAX_VOTE_EXTENSION_SIZE,
	MaxVotesCount: MAX_VOTES_COUNT,
	PriorityWindowSizeFactor: PRIORITY_WINDOW_SIZE_FACTOR,
};

interface Room {
	readonly value?: string;
	readonly error: string | null;
}

type ValidatorCount = Readonly<Record<string, unknown>> & { readonly validators: number };

interface BlockSize {
	readonly max_bytes: string;
	readonly parts: number;
	readonly error: string | null;
}

interface Limits {
	readonly constants: Readonly<Record<string, string | number>>;
	readonly by_validators: readonly ValidatorCount[];
	readonly proposal_validate_block_size: readonly BlockSize[];
}

function checkByValidators(each: ValidatorCount): void {
	const { validators } = each;
	sameInteger("max_commit_bytes", maxCommitBytes(validators), String(each.max_commit_bytes));
	for (const [name, expected] of Object.entries(each)) {
		const [function_, size] = name.split("@");
		if (size === undefined) continue;
		if (function_ !== "max_data_bytes" && function_ !== "max_data_bytes_no_evidence") fail(`unknown limit ${name}`);
		const { value, error } = expected as Room;
		// Both count no evidence: one is given the size zero, the other does not ask.
		const outcome = sameError(name, error, () => maxDataBytes(Number(size), 0, validators));
		if (outcome.accepted) sameInteger(name, outcome.value, value);
	}
}

export const checkLimits: Checker = async (file, tally) => {
	const limits = file.content as Limits;
	for (const [name, value] of Object.entries(limits.constants))
		await tally.check(`constants ${name}`, () => sameInteger(name, CONSTANTS[name] ?? fail("unknown constant"), value));
	await tally.checkEach("by_validators", limits.by_validators, checkByValidators);
	await tally.checkEach("proposal_validate_block_size", limits.proposal_validate_block_size, (each) =>
		same("refused", hasTooManyParts(each.parts, Number(each.max_bytes)), each.error !== null),
	);
};
