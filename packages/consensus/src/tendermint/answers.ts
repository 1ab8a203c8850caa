import { invariant } from "@cairn/kit";
import type { Answer, Input, Verdict } from "../core/engine.ts";
import { takeExtension, takeOwnExtensionCheck } from "./ballot.ts";
import { giveUpCheck, takeVerdict } from "./checks.ts";
import { dropOwed } from "./precommit.ts";
import { ignored, OK, proceed, rejected } from "./proposal.ts";
import { takeBuilt } from "./propose.ts";
import type { Tendermint } from "./protocol.ts";
import type { Open, Turn } from "./state.ts";
import { countVote } from "./votes.ts";

type Answered = Extract<Input<Tendermint>, { kind: "answered" }>;
type Failed = Extract<Answer<Tendermint>, { kind: "failed" }>;

/** An answer of application or host; one that nobody waits for any more is ignored. */
export function takeAnswer(turn: Turn, { request, answer }: Answered): Verdict {
	const { state } = turn;
	const open = state.open.get(request);
	if (open === undefined || open.effect.kind !== "ask") return ignored("nobody waits for this answer");
	state.open.delete(request);
	const { purpose } = open;
	if (answer.kind === "failed") return takeFailure(turn, open, answer);
	switch (purpose.kind) {
		case "build":
			invariant(answer.kind === "built", "build is answered with built", { answer: answer.kind });
			return takeBuilt(turn, open, answer);
		case "check":
			invariant(answer.kind === "checked", "check is answered with checked", { answer: answer.kind });
			if (takeVerdict(turn, answer.block, answer.verdict)) proceed(turn);
			return OK;
		case "extend":
			invariant(answer.kind === "extended", "extend is answered with extended", { answer: answer.kind });
			takeExtension(turn, purpose.vote, answer.extension);
			return OK;
		case "checkOwn":
			invariant(answer.kind === "extensionChecked", "checkExtension is answered in kind", { answer: answer.kind });
			takeOwnExtensionCheck(turn, purpose.vote, answer.valid);
			return OK;
		case "checkPeer":
			invariant(answer.kind === "extensionChecked", "checkExtension is answered in kind", { answer: answer.kind });
			return takePeerExtension(turn, open, answer.valid);
		case "sign":
			return ignored("a request to sign has no answer");
	}
}

function takePeerExtension(turn: Turn, { purpose }: Open, valid: boolean): Verdict {
	if (purpose.kind !== "checkPeer") return OK;
	if (valid) return countVote(turn, purpose.vote, purpose.peer);
	turn.out.mark("T62");
	return rejected("invalid-extension", "the application refuses the vote extension");
}

/** Without an answer there is no block, no valid verdict, no extension: what needed it does not happen. */
function takeFailure(turn: Turn, { purpose, effect }: Open, { why }: Failed): Verdict {
	if (purpose.kind === "check" && effect.kind === "ask" && effect.question.kind === "check") {
		const { block } = effect.question;
		giveUpCheck(turn, block);
		if (turn.state.owed?.key === block) dropOwed(turn);
	}
	return ignored(`${purpose.kind} failed: ${why}`);
}
