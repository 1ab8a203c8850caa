import { ValidationError } from "@cairn/kit";
import { mempool as pb, Reader, uvarintLength } from "@cairn/types/proto";

export const MEMPOOL_CHANNEL = 0x30;

export interface TxsLimits {
	/** `mempool.max_tx_bytes`; 0: no bound. */
	readonly maxTxBytes: number;
	/** `mempool.max_batch_bytes`: a message may hold as many bytes of transactions as this or the longest transaction. */
	readonly maxBatchBytes: number;
}

/** Tags of `Message.txs` and `Txs.txs`: field 1, length-delimited. */
const TAG = 10;

/**
 * Reads transactions from a message. Before anything is allocated, a look at the bytes refuses empty transactions, which cost
 * memory and carry nothing, and too many bytes of them (mempool/filter.go; #5946). The result are views of `bytes`.
 * @throws DecodeError, ValidationError
 */
export function decodeTxs(bytes: Uint8Array, limits: TxsLimits): readonly Uint8Array[] {
	if (bytes.length > 0) checkTxs(bytes, limits);
	const { sum } = pb.Message.decode(bytes);
	if (sum === null) throw new ValidationError("mempool message of no known kind");
	return sum.value.txs;
}

function checkTxs(bytes: Uint8Array, { maxTxBytes, maxBatchBytes }: TxsLimits): void {
	const reader = new Reader(bytes);
	const budget = Math.max(maxTxBytes, maxBatchBytes);
	let count = 0;
	let total = 0;
	while (reader.pos < bytes.length) {
		const tag = reader.tag();
		if (tag !== TAG) {
			reader.unknown(tag, bytes.length, 0);
			continue;
		}
		const end = reader.lengthEnd(bytes.length);
		while (reader.pos < end) {
			const inner = reader.tag();
			if (inner !== TAG) {
				reader.unknown(inner, end, 0);
				continue;
			}
			const stop = reader.lengthEnd(end);
			const length = stop - reader.pos;
			if (length === 0) throw new ValidationError("empty transaction");
			if (maxTxBytes > 0 && length > maxTxBytes) throw new ValidationError("transaction too long", { length });
			count++;
			total += length;
			if (budget > 0 && total > budget) throw new ValidationError("too many bytes of transactions", { total, budget });
			reader.pos = stop;
		}
	}
	if (count === 0) throw new ValidationError("mempool message without transactions");
}

/** The message of these transactions. */
export function encodeTxs(txs: readonly Uint8Array[]): Uint8Array {
	return pb.Message.encode({ sum: { kind: "txs", value: { txs } } });
}

/** Length of the message that holds one transaction of `length` bytes. */
export function messageLength(length: number): number {
	const inner = 1 + uvarintLength(length) + length;
	return 1 + uvarintLength(inner) + inner;
}
