import { DecodeError, invariant } from "@cairn/kit";
import { type Height, type Round, safeInteger, type TimeNs } from "@cairn/types";
import { consensus } from "@cairn/types/proto";
import { crc32c } from "./crc32c.ts";

/** One record of the consensus log. What goes into the engine is a `message` or a `timeout`; the others are marks. */
export type WalRecord =
	/** A proposal, block part or vote; `peer` is "" for this node's own. */
	| { readonly kind: "message"; readonly peer: string; readonly message: consensus.Message }
	/** `duration` in nanoseconds, `step` as CometBFT's RoundStepType. */
	| {
			readonly kind: "timeout";
			readonly duration: bigint;
			readonly height: Height;
			readonly round: Round;
			readonly step: number;
	  }
	/** Everything of this height is in the stores. */
	| { readonly kind: "endHeight"; readonly height: Height }
	/** The engine entered a step; `step` as in `RoundStepPropose`. */
	| { readonly kind: "roundState"; readonly height: Height; readonly round: Round; readonly step: string };

export interface TimedWalRecord {
	/** When the record was made; for people, replay does not depend on it. */
	readonly time: TimeNs;
	readonly record: WalRecord;
}

/** CRC-32C and length before each record, both big-endian. */
export const FRAME_HEADER_BYTES = 8;
/** CometBFT's limit: a consensus message of 1 MiB and the time. */
export const MAX_RECORD_BYTES = 1024 * 1024 + 24;

/** A record as it stands in the file (consensus/wal.go, WALEncoder); null if it is larger than CometBFT reads. */
export function encodeWalRecord({ time, record }: TimedWalRecord): Uint8Array | null {
	const payload = consensus.TimedWALMessage.encode({ time, msg: { sum: sumOf(record) } });
	if (payload.length > MAX_RECORD_BYTES) return null;
	const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
	const view = new DataView(frame.buffer);
	view.setUint32(0, crc32c(payload));
	view.setUint32(4, payload.length);
	frame.set(payload, FRAME_HEADER_BYTES);
	return frame;
}

function sumOf(record: WalRecord): consensus.WALMessage["sum"] {
	switch (record.kind) {
		case "message": {
			const { sum } = record.message;
			invariant(
				sum !== null && (sum.kind === "proposal" || sum.kind === "blockPart" || sum.kind === "vote"),
				"only proposals, block parts and votes are logged",
			);
			return { kind: "msgInfo", value: { msg: record.message, peerId: record.peer } };
		}
		case "timeout": {
			const { duration, height, round, step } = record;
			return { kind: "timeoutInfo", value: { duration, height: BigInt(height), round, step } };
		}
		case "endHeight":
			return { kind: "endHeight", value: { height: BigInt(record.height) } };
		case "roundState": {
			const { height, round, step } = record;
			return { kind: "eventDataRoundState", value: { height: BigInt(height), round, step } };
		}
	}
}

/** What stands at an offset of a log file: a record and where the next begins, or why there is none. */
export type FrameAt =
	| { readonly kind: "record"; readonly entry: TimedWalRecord; readonly next: number }
	| { readonly kind: "end" }
	| { readonly kind: "damage"; readonly why: string };

/** Reads the record at `offset` (WALDecoder). The result holds no view of `bytes`. */
export function readFrame(bytes: Uint8Array, offset: number): FrameAt {
	const left = bytes.length - offset;
	if (left === 0) return { kind: "end" };
	if (left < FRAME_HEADER_BYTES) return damage(`${left} bytes are no header`);
	const view = new DataView(bytes.buffer, bytes.byteOffset + offset, FRAME_HEADER_BYTES);
	const length = view.getUint32(4);
	if (length > MAX_RECORD_BYTES) return damage(`length ${length} is beyond ${MAX_RECORD_BYTES}`);
	if (length > left - FRAME_HEADER_BYTES)
		return damage(`${length} bytes announced, ${left - FRAME_HEADER_BYTES} there`);
	const start = offset + FRAME_HEADER_BYTES;
	const payload = bytes.slice(start, start + length);
	if (crc32c(payload) !== view.getUint32(0)) return damage("checksums do not match");
	try {
		return { kind: "record", entry: decodePayload(payload), next: start + length };
	} catch (cause) {
		if (cause instanceof DecodeError) return damage(cause.message);
		throw cause;
	}
}

function damage(why: string): FrameAt {
	return { kind: "damage", why };
}

function decodePayload(payload: Uint8Array): TimedWalRecord {
	const { time, msg } = consensus.TimedWALMessage.decode(payload);
	const sum = msg?.sum ?? null;
	if (sum === null) throw new DecodeError("a log record without content");
	return { time, record: recordOf(sum) };
}

function recordOf(sum: NonNullable<consensus.WALMessage["sum"]>): WalRecord {
	switch (sum.kind) {
		case "msgInfo":
			return { kind: "message", peer: sum.value.peerId, message: sum.value.msg };
		case "timeoutInfo": {
			const { duration, round, step } = sum.value;
			return { kind: "timeout", duration, height: safeInteger(sum.value.height, "height"), round, step };
		}
		case "endHeight":
			return { kind: "endHeight", height: safeInteger(sum.value.height, "height") };
		case "eventDataRoundState": {
			const { round, step } = sum.value;
			return { kind: "roundState", height: safeInteger(sum.value.height, "height"), round, step };
		}
	}
}
