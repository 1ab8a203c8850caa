import { invariant } from "@cairn/kit";
import { blockIdsEqual, isNilBlockId, NIL_BLOCK_ID } from "./block-id.ts";
import { HASH_SIZE } from "./limits.ts";
import {
	BLOCK_ID_FLAG_COMMIT,
	type BlockId,
	type Commit,
	type CommitSig,
	PRECOMMIT,
	type Proposal,
	type TimeNs,
	type Vote,
} from "./model.ts";
import { textToBytes } from "./proto/text.ts";
import { splitTime } from "./time.ts";

/**
 * The bytes that validators sign (`types/canonical.go`): `CanonicalVote`, `CanonicalProposal` and
 * `CanonicalVoteExtension` in protobuf, each with its length before it. Written by hand, front to back into one
 * scratch buffer, because every vote of every validator passes here.
 */

/** Where a message begins in the scratch buffer: room for the longest length before it. */
const START = 5;
/** Longest message without chain id and extension is 190 bytes. */
const FIXED_ROOM = 256;
const PROPOSAL_TYPE = 32;
const TWO_TO_32 = 4294967296;

let scratch = new Uint8Array(1024);

/**
 * The vote whose first fields still stand in the scratch buffer, up to `at`. Votes of one round, and all entries of a
 * commit, differ in their time only, so that mostly nothing else has to be written.
 */
const previous = { type: -1, height: 0 as number | bigint, round: 0, blockId: NIL_BLOCK_ID, at: START };

function forgetPrevious(): void {
	previous.type = -1;
}

/** What a validator signs for a vote. */
export function voteSignBytes(chainId: string, vote: Vote): Uint8Array {
	return canonicalVote(chainId, vote.type, vote.height, vote.round, vote.blockId, vote.timestamp);
}

/** What the validator at `index` signed for a commit: the precommit that its entry stands for. */
export function commitVoteSignBytes(chainId: string, commit: Commit, index: number): Uint8Array {
	const { blockIdFlag, timestamp } = commit.signatures[index] as CommitSig;
	const blockId = blockIdFlag === BLOCK_ID_FLAG_COMMIT ? commit.blockId : NIL_BLOCK_ID;
	return canonicalVote(chainId, PRECOMMIT, commit.height, commit.round, blockId, timestamp);
}

/** What a proposer signs for a proposal. */
export function proposalSignBytes(chainId: string, proposal: Proposal): Uint8Array {
	const { height, round, polRound, blockId, timestamp } = proposal;
	return canonicalProposal(chainId, height, round, polRound, blockId, timestamp);
}

/** What a validator signs for the extension of a precommit. */
export function voteExtensionSignBytes(chainId: string, vote: Vote): Uint8Array {
	return canonicalVoteExtension(chainId, vote.height, vote.round, vote.extension);
}

/** As `voteSignBytes`, from single values; a height beyond the safe integers may be a bigint. */
export function canonicalVote(
	chainId: string,
	type: number,
	height: number | bigint,
	round: number,
	blockId: BlockId,
	timestamp: TimeNs,
): Uint8Array {
	reserve(FIXED_ROOM + 3 * chainId.length);
	let at = putVoteUpToTime(type, height, round, blockId);
	at = putTimestamp(at, 0x2a, timestamp);
	at = putText(at, 0x32, chainId);
	return takeDelimited(at);
}

function putVoteUpToTime(type: number, height: number | bigint, round: number, blockId: BlockId): number {
	const isSame = type === previous.type && height === previous.height && round === previous.round;
	if (isSame && blockIdsEqual(blockId, previous.blockId)) return previous.at;
	forgetPrevious();
	const { hash, partSetHeader } = blockId;
	let at = START;
	if (type !== 0) {
		scratch[at++] = 0x08;
		at = putVarint(at, type);
	}
	at = putFixed64(at, 0x11, height);
	at = putFixed64(at, 0x19, round);
	at = putBlockId(at, 0x22, blockId);
	previous.type = type;
	previous.height = height;
	previous.round = round;
	// A copy: what is signed must be what the vote says now, whatever happens to its bytes.
	previous.blockId = { hash: hash.slice(), partSetHeader: { ...partSetHeader, hash: partSetHeader.hash.slice() } };
	previous.at = at;
	return at;
}

/** As `proposalSignBytes`, from single values. */
export function canonicalProposal(
	chainId: string,
	height: number | bigint,
	round: number,
	polRound: number,
	blockId: BlockId,
	timestamp: TimeNs,
): Uint8Array {
	reserve(FIXED_ROOM + 3 * chainId.length);
	forgetPrevious();
	let at = START;
	scratch[at++] = 0x08;
	scratch[at++] = PROPOSAL_TYPE;
	at = putFixed64(at, 0x11, height);
	at = putFixed64(at, 0x19, round);
	if (polRound !== 0) {
		scratch[at++] = 0x20;
		at = putVarint(at, polRound);
	}
	at = putBlockId(at, 0x2a, blockId);
	at = putTimestamp(at, 0x32, timestamp);
	at = putText(at, 0x3a, chainId);
	return takeDelimited(at);
}

/** As `voteExtensionSignBytes`, from single values. */
export function canonicalVoteExtension(
	chainId: string,
	height: number | bigint,
	round: number,
	extension: Uint8Array,
): Uint8Array {
	reserve(FIXED_ROOM + 3 * chainId.length + extension.length);
	forgetPrevious();
	let at = putBytes(START, 0x0a, extension);
	at = putFixed64(at, 0x11, height);
	at = putFixed64(at, 0x19, round);
	at = putText(at, 0x22, chainId);
	return takeDelimited(at);
}

function reserve(room: number): void {
	if (scratch.length >= START + room) return;
	scratch = new Uint8Array(2 * (START + room));
	forgetPrevious();
}

/** The message that ends at `end`, with its length before it. */
function takeDelimited(end: number): Uint8Array {
	const length = end - START;
	let prefix = 1;
	for (let rest = length; rest > 0x7f; rest >>>= 7) prefix++;
	putVarint(START - prefix, length);
	return scratch.slice(START - prefix, end);
}

function putVarint(start: number, value: number): number {
	if (value < 0) return putNegativeVarint(start, value);
	let at = start;
	let rest = value;
	while (rest > 0x7fffffff) {
		scratch[at++] = (rest % 128) | 0x80;
		rest = Math.floor(rest / 128);
	}
	while (rest > 0x7f) {
		scratch[at++] = (rest & 0x7f) | 0x80;
		rest >>>= 7;
	}
	scratch[at++] = rest;
	return at;
}

/** Ten bytes: the number as an unsigned 64-bit integer. */
function putNegativeVarint(start: number, value: number): number {
	let rest = BigInt.asUintN(64, BigInt(value));
	for (let i = 0; i < 9; i++) {
		scratch[start + i] = Number(rest & 0x7fn) | 0x80;
		rest >>= 7n;
	}
	scratch[start + 9] = Number(rest);
	return start + 10;
}

/** Eight bytes, least significant first; nothing for zero. */
function putFixed64(start: number, tag: number, value: number | bigint): number {
	if (value === 0 || value === 0n) return start;
	const low = typeof value === "bigint" ? Number(BigInt.asIntN(32, value)) : value | 0;
	const high = typeof value === "bigint" ? Number(BigInt.asIntN(32, value >> 32n)) : Math.floor(value / TWO_TO_32);
	scratch[start] = tag;
	for (let i = 0; i < 4; i++) {
		scratch[start + 1 + i] = low >>> (8 * i);
		scratch[start + 5 + i] = high >>> (8 * i);
	}
	return start + 9;
}

/** Nothing for empty bytes. */
function putBytes(start: number, tag: number, bytes: Uint8Array): number {
	if (bytes.length === 0) return start;
	scratch[start] = tag;
	const at = putVarint(start + 1, bytes.length);
	scratch.set(bytes, at);
	return at + bytes.length;
}

/** Nothing for the empty text. */
function putText(start: number, tag: number, text: string): number {
	if (text.length === 0) return start;
	scratch[start] = tag;
	let at = putVarint(start + 1, text.length);
	for (let i = 0; i < text.length; i++) {
		const code = text.charCodeAt(i);
		if (code >= 0x80) return putBytes(start, tag, textToBytes(text));
		scratch[at++] = code;
	}
	return at;
}

/** Nothing for the nil id; the part set header is there even when it is empty. */
function putBlockId(start: number, tag: number, blockId: BlockId): number {
	if (isNilBlockId(blockId)) return start;
	const { hash, partSetHeader } = blockId;
	// Decoding refuses other hashes; these keep both lengths below 128, one byte.
	invariant(hash.length <= HASH_SIZE && partSetHeader.hash.length <= HASH_SIZE, "hash in sign bytes too long");
	const idLength = start + 1;
	let at = putBytes(start + 2, 0x0a, hash);
	scratch[at] = 0x12;
	const headerLength = at + 1;
	at += 2;
	if (partSetHeader.total !== 0) {
		scratch[at] = 0x08;
		at = putVarint(at + 1, partSetHeader.total);
	}
	at = putBytes(at, 0x12, partSetHeader.hash);
	scratch[start] = tag;
	scratch[idLength] = at - idLength - 1;
	scratch[headerLength] = at - headerLength - 1;
	return at;
}

/** Always there, empty for 1970-01-01T00:00:00Z. */
function putTimestamp(start: number, tag: number, time: TimeNs): number {
	const { seconds, nanos } = splitTime(time);
	let at = start + 2;
	if (seconds !== 0) {
		scratch[at] = 0x08;
		at = putVarint(at + 1, seconds);
	}
	if (nanos !== 0) {
		scratch[at] = 0x10;
		at = putVarint(at + 1, nanos);
	}
	scratch[start] = tag;
	scratch[start + 1] = at - start - 2;
	return at;
}
