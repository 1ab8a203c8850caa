import { fromBase64 } from "@cairn/kit";
import { crc32c, encodeWalRecord, readWalFile } from "@cairn/storage";
import { consensus, type Json, toProtoJson } from "@cairn/types/proto";
import { type Checker, fail } from "../checker.ts";
import { same, sameInteger } from "../expectation.ts";

const HEADER = 8;
const TYPE = "tendermint.consensus.TimedWALMessage";

interface RecordCase {
	readonly offset: number;
	readonly length: number;
	readonly crc32c: number;
	readonly crc_ok: boolean;
	/** `WALMessage_EndHeight`: the arm, named as Go's generated types are. */
	readonly type: string;
	readonly json: Json;
}

interface WalFile {
	readonly wal_base64: string;
	readonly truncated_at: number;
	readonly file_size_original: number;
	readonly records: readonly RecordCase[];
}

function armOf(payload: Uint8Array): string {
	const kind = consensus.TimedWALMessage.decode(payload).msg?.sum?.kind ?? "";
	return `WALMessage_${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
}

/** A record as the product reads it and writes it back, at its place in the file. */
function checkRecord(each: RecordCase, frame: Uint8Array, bytes: Uint8Array): void {
	const payload = frame.subarray(HEADER);
	sameInteger("length", payload.length, each.length);
	sameInteger("crc32c", crc32c(payload), each.crc32c);
	same("crc_ok", true, each.crc_ok);
	same("bytes in the file", bytes.subarray(each.offset, each.offset + frame.length), frame);
	same("type", armOf(payload), each.type);
	same("json", toProtoJson(TYPE, consensus.TimedWALMessage.decode(payload)), each.json);
}

export const checkWal: Checker = async (file, tally) => {
	const content = file.content as WalFile;
	const bytes = fromBase64(content.wal_base64);
	const readable = content.records.filter((record) => record.crc_ok);
	const { records, damage } = readWalFile(bytes);
	await tally.check("file", () => {
		sameInteger("truncated_at", bytes.length, content.truncated_at);
		same("records", records.length, readable.length);
		const last = content.records.at(-1);
		const end = last === undefined ? 0 : last.offset + HEADER + last.length;
		same("damage", damage.length > 0, end !== bytes.length || readable.length < content.records.length);
	});
	let at = 0;
	await tally.checkEach("records", content.records, (each) => {
		if (!each.crc_ok) {
			if (!damage.some(({ from, to }) => from <= each.offset && each.offset < to)) fail("read, but must be damaged");
			return;
		}
		const record = records[at++] ?? fail("not read");
		checkRecord(each, encodeWalRecord(record) ?? fail("not written back"), bytes);
	});
};
