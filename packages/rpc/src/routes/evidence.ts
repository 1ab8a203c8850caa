import { CairnError, messageOf } from "@cairn/kit";
import { type Evidence, evidenceFromProto, evidenceHash } from "@cairn/types";
import type { types as pb } from "@cairn/types/proto";
import { jsonBytes } from "../json/text.ts";
import { EVIDENCE } from "../parse/param-kinds.ts";
import { type Route, route } from "./route.ts";

export const EVIDENCE_ROUTES: readonly Route[] = [
	route("broadcast_evidence", { evidence: EVIDENCE }, {}, async (environment, values) => {
		if (values.evidence === null) throw new CairnError("no-evidence", "peer", "no evidence was provided");
		const evidence = validated(values.evidence);
		try {
			await environment.evidence.add(evidence);
		} catch (cause) {
			throw new CairnError("bad-evidence", "peer", `failed to add evidence: ${messageOf(cause)}`, {}, cause);
		}
		return `{"hash":${jsonBytes(evidenceHash(evidence))}}`;
	}),
];

function validated(evidence: pb.Evidence): Evidence {
	try {
		return evidenceFromProto(evidence);
	} catch (cause) {
		const text = `evidence.ValidateBasic failed: ${messageOf(cause)}`;
		throw new CairnError("bad-evidence", "peer", text, {}, cause);
	}
}
