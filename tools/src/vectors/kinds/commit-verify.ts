import { verifySignature } from "@cairn/crypto";
import {
	type BlockId,
	type Commit,
	decodeCommit,
	decodeValidatorSet,
	type Fraction,
	NotEnoughVotingPowerError,
	type ValidatorSet,
	validateCommit,
	verifyCommit,
	verifyCommitLight,
	verifyCommitLightAllSignatures,
	verifyCommitLightTrusting,
	verifyCommitLightTrustingAllSignatures,
} from "@cairn/types";
import type { Checker } from "../checker.ts";
import { blockIdOf, type JsonBlockId, type JsonValidator, validatorOf } from "../domain.ts";
import { hex, same, sameError, sameInteger, sameVerdict } from "../expectation.ts";

interface Verdict {
	readonly class: string;
	readonly error: string | null;
}

interface CommitCase {
	readonly name: string;
	readonly chain_id: string;
	readonly height: string;
	readonly block_id: JsonBlockId;
	readonly commit: string;
	readonly commit_validate_basic_error: string | null;
	/** Instead of the group's. */
	readonly validator_set_proto?: string;
	readonly validators?: readonly JsonValidator[];
	readonly verify_commit: Verdict;
	readonly verify_commit_light: Verdict;
	readonly verify_commit_light_all: Verdict;
	readonly verify_light_trusting_1_3: Verdict;
	readonly verify_light_trusting_2_3: Verdict;
	readonly verify_light_trusting_1_1: Verdict;
	readonly verify_trusting_all_1_3: Verdict;
}

interface Group {
	readonly n: number;
	readonly total_voting_power: string;
	readonly validator_set_proto: string;
	readonly validators: readonly JsonValidator[];
	readonly cases: readonly CommitCase[];
}

function setOf(proto: string, validators: readonly JsonValidator[]): ValidatorSet {
	const set = decodeValidatorSet(hex(proto));
	same("validators of the set", set.validators, validators.map(validatorOf));
	return set;
}

function sameClass(what: string, verdict: Verdict, verify: () => void): void {
	same(`${what}: class and error`, verdict.class === "ok", verdict.error === null);
	const outcome = sameVerdict(what, verdict.class === "ok", verify);
	// Light clients treat a lack of power otherwise than anything else; the other classes are one to them.
	if (!outcome.accepted)
		same(
			`${what}: for lack of power`,
			outcome.error instanceof NotEnoughVotingPowerError,
			verdict.class === "not_enough_power",
		);
}

function checkVerdicts(each: CommitCase, set: ValidatorSet, commit: Commit): void {
	const { chain_id: chainId } = each;
	const height = Number(each.height);
	const blockId: BlockId = blockIdOf(each.block_id);
	const byHeight = { verify_commit: verifyCommit, verify_commit_light: verifyCommitLight } as const;
	for (const [name, verify] of Object.entries(byHeight))
		sameClass(name, each[name as keyof typeof byHeight], () =>
			verify(chainId, set, blockId, height, commit, verifySignature),
		);
	sameClass("verify_commit_light_all", each.verify_commit_light_all, () =>
		verifyCommitLightAllSignatures(chainId, set, blockId, height, commit, verifySignature),
	);
	const levels: readonly (readonly [string, Verdict, Fraction])[] = [
		["verify_light_trusting_1_3", each.verify_light_trusting_1_3, { numerator: 1n, denominator: 3n }],
		["verify_light_trusting_2_3", each.verify_light_trusting_2_3, { numerator: 2n, denominator: 3n }],
		["verify_light_trusting_1_1", each.verify_light_trusting_1_1, { numerator: 1n, denominator: 1n }],
	];
	for (const [name, verdict, level] of levels)
		sameClass(name, verdict, () => verifyCommitLightTrusting(chainId, set, commit, level, verifySignature));
	const third: Fraction = { numerator: 1n, denominator: 3n };
	sameClass("verify_trusting_all_1_3", each.verify_trusting_all_1_3, () =>
		verifyCommitLightTrustingAllSignatures(chainId, set, commit, third, verifySignature),
	);
}

export const checkCommitVerify: Checker = async (file, tally) => {
	const { groups } = file.content as { groups: readonly Group[] };
	for (const group of groups) {
		await tally.check(`n=${group.n}`, () => {
			const set = setOf(group.validator_set_proto, group.validators);
			sameInteger("n", set.size, group.n);
			sameInteger("total_voting_power", set.totalPower, group.total_voting_power);
		});
		await tally.checkEach(`n=${group.n}`, group.cases, (each) => {
			const proto = each.validator_set_proto ?? group.validator_set_proto;
			const set = setOf(proto, each.validators ?? group.validators);
			const decoded = sameError("commit_validate_basic_error", each.commit_validate_basic_error, () => {
				const commit = decodeCommit(hex(each.commit));
				validateCommit(commit);
				return commit;
			});
			if (decoded.accepted) checkVerdicts(each, set, decoded.value);
		});
	}
};
