import { decodeBlockSyncMessage, decodeConsensusMessage, decodeEvidenceList, decodeTxs } from "@cairn/gossip";
import { consensus } from "@cairn/types/proto";
import { fail } from "../checker.ts";
import { hex, same, sameVerdict } from "../expectation.ts";

/** A message as a peer sends it, and whether the real node takes it. */
export interface MessageCase {
	readonly name: string;
	/** Message type, and for some the channel in parentheses. */
	readonly decoder: string;
	/** Null where the message is too large to be listed. */
	readonly hex: string | null;
	readonly accepted: boolean;
	readonly error: string | null;
	/** Limits of the mempool that judges a message of transactions. */
	readonly max_tx_bytes?: number;
	readonly max_batch_bytes?: number;
}

/** Reads and validates; what it throws is the refusal. */
type Decoder = (bytes: Uint8Array, each: MessageCase) => void;

const DECODERS: Readonly<Record<string, Decoder>> = {
	"consensus.Message": decodeConsensusMessage,
	"types.EvidenceList": (bytes) => void decodeEvidenceList(bytes),
	"blocksync.Message": decodeBlockSyncMessage,
	"mempool.Message": (bytes, { max_tx_bytes: maxTxBytes = 0, max_batch_bytes: maxBatchBytes = 0 }) =>
		decodeTxs(bytes, { maxTxBytes, maxBatchBytes }),
};

const OVERSIZE_PART = /^part bytes (\d+) zero bytes/;

/** The one message that is described, not listed: the good last part of a block with so many zeros as its bytes. */
function buildMessage(each: MessageCase, all: readonly MessageCase[]): Uint8Array {
	const size = OVERSIZE_PART.exec(each.name)?.[1] ?? fail("the message is neither listed nor described");
	const good = all.find(({ name }) => name === "part last ok")?.hex ?? fail("no good part to build it from");
	const { sum } = consensus.Message.decode(hex(good));
	if (sum === null || sum.kind !== "blockPart") fail("no good part to build it from");
	const part = { ...sum.value.part, bytes: new Uint8Array(Number(size)) };
	return consensus.Message.encode({ sum: { kind: "blockPart", value: { ...sum.value, part } } });
}

export function checkMessage(each: MessageCase, all: readonly MessageCase[]): void {
	same("accepted and error", each.accepted, each.error === null);
	const [name = ""] = each.decoder.split(" ");
	const bytes = each.hex === null ? buildMessage(each, all) : hex(each.hex);
	const decode = DECODERS[name] ?? fail(`decoder of ${name} is not built yet`);
	sameVerdict("message", each.accepted, () => decode(bytes, each));
}
