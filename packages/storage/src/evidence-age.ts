import type { ConsensusParams, Height, TimeNs } from "@cairn/types";

interface Moment {
	readonly height: Height;
	readonly time: TimeNs;
}

/** Evidence is too old only when BOTH limits of age have passed (evidence/pool.go, `IsEvidenceExpired`). */
export function isEvidenceTooOld(now: Moment, evidence: Moment, params: ConsensusParams["evidence"]): boolean {
	const blocks = BigInt(now.height - evidence.height);
	return now.time - evidence.time > params.maxAgeDuration && blocks > params.maxAgeNumBlocks;
}
