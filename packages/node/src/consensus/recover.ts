import type { Effects, Engine, Input, Stamp, Tendermint } from "@cairn/consensus";
import type { SignatureCache } from "@cairn/crypto";
import { CairnError, invariant, type Logger, messageOf } from "@cairn/kit";
import type { Wal, WalRecord } from "@cairn/storage";
import { type ChainState, type Height, partFromProto, proposalFromProto, voteFromProto } from "@cairn/types";
import { verifiedSigner } from "./gate.ts";
import type { ConsensusHost } from "./host.ts";
import { timerOfRecord } from "./log-records.ts";

export interface RecoveryParts {
	readonly engine: Engine<Tendermint>;
	readonly host: ConsensusHost;
	readonly wal: Wal;
	readonly signatures: SignatureCache;
	readonly logger: Logger;
	readonly initialHeight: Height;
}

export interface Recovery {
	readonly records: number;
	/** False when the log does not reach back to the end of the last height: the lock of this height may be lost. */
	readonly complete: boolean;
}

/**
 * Rebuilds the engine from CometBFT's log, ours or one that Go wrote (consensus/replay.go catchupReplay): every record
 * behind the end of the last height goes through the same `step`. Questions to the application are answered at once.
 * Nothing is signed, sent, built or committed here: own signatures are in the log, and what is still wanted afterwards,
 * the engine asks for again on `resumed`. A signature made during the replay would be in the signer's state and nowhere
 * else: after the next crash nobody could give it back, and a single validator would wait for its own vote for ever.
 */
export async function replayLog(state: ChainState, parts: RecoveryParts): Promise<Recovery> {
	const { wal, logger, host } = parts;
	const height = host.height;
	const endOfLast = height === parts.initialHeight ? 0 : state.lastBlockHeight;
	if ((await wal.recordsAfterEndHeight(height)) !== null) {
		const text = `the consensus log says that height ${height} has ended, but the state does not hold it: the data folder mixes states of different times`;
		throw new CairnError("wal-ahead-of-state", "operator", text, { height });
	}
	const records = await wal.recordsAfterEndHeight(endOfLast);
	if (records === null) return { records: 0, complete: height === parts.initialHeight };
	logger.info("Catchup by replaying consensus messages", { height });
	let count = 0;
	for await (const { record, time } of records) {
		await replayRecord(record, { mono: 0, wall: time }, parts);
		count++;
	}
	logger.info("Replay: Done", { height, records: count });
	return { records: count, complete: true };
}

async function replayRecord(record: WalRecord, at: Stamp, parts: RecoveryParts): Promise<void> {
	if (record.kind === "timeout") {
		const timer = timerOfRecord(record.height, record.round, record.step);
		if (timer !== null) await stepThrough({ kind: "timer", timer }, at, parts);
		return;
	}
	if (record.kind !== "message" || record.message.sum === null) return;
	const { sum } = record.message;
	try {
		if (sum.kind === "vote" && sum.value.vote !== null) {
			const vote = voteFromProto(sum.value.vote);
			await replayMessage(record.peer, { kind: "vote", vote }, at, parts);
		} else if (sum.kind === "proposal") {
			const proposal = proposalFromProto(sum.value.proposal);
			await replayMessage(record.peer, { kind: "proposal", proposal }, at, parts);
		} else if (sum.kind === "blockPart") {
			await replayPart(sum.value, at, parts);
		}
	} catch (cause) {
		// A peer's message that was logged before it was judged: it was refused then, it is refused now.
		if (!(cause instanceof CairnError) || cause.blame !== "peer") throw cause;
		parts.logger.debug("Replay: message was refused", { err: messageOf(cause) });
	}
}

async function replayMessage(
	peer: string,
	message: Extract<Input<Tendermint>, { kind: "message" }>["message"],
	at: Stamp,
	parts: RecoveryParts,
): Promise<void> {
	const admission = parts.engine.admit({ peer, signer: null, epoch: 0 }, message);
	if (admission.kind !== "verify") return;
	const { epoch } = admission;
	// Go logs peers' messages before it judges them, so a log it wrote may hold false signatures.
	const signer = verifiedSigner(parts.engine, parts.signatures, message, epoch);
	if (signer === "false") return;
	await stepThrough({ kind: "message", origin: { peer, signer, epoch: epoch.number }, message }, at, parts);
}

async function replayPart(
	value: { readonly height: bigint; readonly round: number; readonly part: Parameters<typeof partFromProto>[0] },
	at: Stamp,
	parts: RecoveryParts,
): Promise<void> {
	const wanted = parts.engine.gossip().wantedParts;
	const added = parts.host.assemble(Number(value.height), partFromProto(value.part), wanted);
	if (added === null) return;
	const input = parts.host.want(added.key);
	if (input !== null) await stepThrough(input, at, parts);
}

/** One input and all that its questions to the application bring about. */
async function stepThrough(first: Input<Tendermint>, at: Stamp, parts: RecoveryParts): Promise<void> {
	const waiting: Input<Tendermint>[] = [first];
	for (let input = waiting.shift(); input !== undefined; input = waiting.shift()) {
		const answers: (() => Promise<Input<Tendermint> | null>)[] = [];
		const out: Effects<Tendermint> = {
			inward: (effect) => {
				if (effect.kind === "ask" && effect.question.kind !== "build") {
					const { request, question } = effect;
					answers.push(async () => ({ kind: "answered", request, answer: await parts.host.answer(question) }));
				}
				if (effect.kind === "fetch") {
					const known = parts.host.want(effect.block);
					if (known !== null) answers.push(async () => known);
				}
			},
			outward: () => {},
			mark: () => {},
		};
		parts.engine.step(input, at, out);
		for (const answer of answers) {
			const next = await answer();
			if (next !== null) waiting.push(next);
		}
		invariant(waiting.length < 10_000, "replay of the consensus log does not come to rest");
	}
}
