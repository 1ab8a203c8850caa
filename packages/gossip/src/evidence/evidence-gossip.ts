import type { EvidencePool } from "@cairn/chain";
import { CairnError, type Logger, messageOf, type Timer, type Timers, toHex } from "@cairn/kit";
import type { ChannelDescriptor, ChannelHandler, Peer } from "@cairn/network";
import {
	BLOCK_PROTOCOL,
	type ChainState,
	type Evidence,
	evidenceFromProto,
	evidenceHash,
	evidenceHeight,
	evidenceToProto,
	type Height,
} from "@cairn/types";
import { types as pb } from "@cairn/types/proto";

export const EVIDENCE_CHANNEL = 0x38;
/** Longest message (evidence/reactor.go). */
const MAX_MESSAGE_SIZE = 1_048_576;
/** What is still pending is sent again so often: most evidence is in the very next block. */
const REPEAT_MS = 10_000;
/** Lists of one peer that wait to be judged; it is not read further meanwhile. */
const MAX_WAITING_LISTS = 8;

export interface EvidenceGossipOptions {
	/** Number of the chain's block protocol; CometBFT's if not given. */
	readonly blockProtocol?: bigint;
}

export interface EvidenceGossipParts {
	readonly pool: Pick<EvidencePool, "add" | "entries" | "onEvidence" | "size">;
	/** State after the last executed block: its params say how old evidence may be. */
	readonly chainState: () => ChainState;
	/** Height that a peer told in consensus; 0 while it has not. */
	readonly heightOf: (peerId: string) => Height;
	readonly stopPeer: (peer: Peer, reason: string, fault: boolean) => void;
	readonly timers: Timers;
	readonly logger: Logger;
}

/** What one peer was sent and has sent. */
interface Correspondent {
	readonly peer: Peer;
	/** Hashes of evidence that it has. */
	readonly sent: Set<string>;
	/** Lists that wait to be judged, one after the other. */
	readonly lists: (readonly Evidence[])[];
	isJudging: boolean;
}

/**
 * Reads a list of evidence and checks each piece on its own (`ValidateBasic`). @throws DecodeError, ValidationError
 * @param blockProtocol number of the chain's block protocol
 */
export function decodeEvidenceList(bytes: Uint8Array, blockProtocol: bigint = BLOCK_PROTOCOL): Evidence[] {
	return pb.EvidenceList.decode(bytes).evidence.map((each) => evidenceFromProto(each, blockProtocol));
}

export function encodeEvidenceList(list: readonly Evidence[]): Uint8Array {
	return pb.EvidenceList.encode({ evidence: list.map(evidenceToProto) });
}

/** Passes evidence of misbehaviour between peers until a block holds it (evidence/reactor.go). */
export class EvidenceGossip implements ChannelHandler {
	readonly name = "evidence";
	readonly channels: readonly ChannelDescriptor[] = [
		{
			id: EVIDENCE_CHANNEL,
			name: "evidence",
			priority: 6,
			sendQueueCapacity: 16,
			sendQueueBytes: MAX_MESSAGE_SIZE,
			receiveMessageCapacity: MAX_MESSAGE_SIZE,
		},
	];
	readonly #blockProtocol: bigint;
	readonly #parts: EvidenceGossipParts;
	readonly #logger: Logger;
	readonly #peers = new Map<string, Correspondent>();
	#repeatTimer: Timer | null = null;
	#isStopped = false;

	constructor(options: EvidenceGossipOptions, parts: EvidenceGossipParts) {
		this.#blockProtocol = options.blockProtocol ?? BLOCK_PROTOCOL;
		this.#parts = parts;
		this.#logger = parts.logger.child({ module: "evidence" });
		parts.pool.onEvidence(() => this.#pumpAll());
	}

	stop(): void {
		this.#isStopped = true;
		this.#repeatTimer?.cancel();
	}

	/** A peer told of another height: it may be sent what it was too far behind for. */
	peerMoved(peer: Peer): void {
		const correspondent = this.#peers.get(peer.id);
		if (correspondent !== undefined) this.#pump(correspondent);
	}

	// ------------------------------------------------------------------------------------------------ the network's events

	addPeer(peer: Peer): void {
		const correspondent: Correspondent = { peer, sent: new Set(), lists: [], isJudging: false };
		this.#peers.set(peer.id, correspondent);
		this.#pump(correspondent);
	}

	removePeer(peer: Peer): void {
		if (this.#peers.get(peer.id)?.peer === peer) this.#peers.delete(peer.id);
	}

	/** @throws DecodeError, ValidationError what only a faulty peer sends */
	receive(peer: Peer, _channelId: number, message: Uint8Array): void {
		const list = decodeEvidenceList(message, this.#blockProtocol);
		const correspondent = this.#peers.get(peer.id);
		if (correspondent === undefined || list.length === 0) return;
		correspondent.lists.push(list);
		if (correspondent.lists.length >= MAX_WAITING_LISTS) peer.pauseReading(this.name);
		if (!correspondent.isJudging) void this.#judge(correspondent);
	}

	drained(peer: Peer): void {
		this.peerMoved(peer);
	}

	messageType(): string {
		return "types_EvidenceList";
	}

	// ------------------------------------------------------------------------------------------------ receiving

	/** Judges the lists of a peer in order; the first false piece ends it. */
	async #judge(correspondent: Correspondent): Promise<void> {
		const { peer, lists } = correspondent;
		correspondent.isJudging = true;
		try {
			for (let list = lists.shift(); list !== undefined; list = lists.shift()) {
				for (const evidence of list) await this.#add(correspondent, evidence);
				if (lists.length < MAX_WAITING_LISTS) peer.resumeReading(this.name);
			}
		} catch (cause) {
			lists.length = 0;
			this.#logger.error("invalid evidence", { peer: peer.id, err: messageOf(cause) });
			this.#parts.stopPeer(peer, messageOf(cause), true);
		} finally {
			correspondent.isJudging = false;
		}
	}

	/** Rejects when the evidence is false; what this node cannot judge, or has no room for, is let go. */
	async #add({ sent }: Correspondent, evidence: Evidence): Promise<void> {
		const key = keyOf(evidence);
		// Before it is added: whoever adds evidence hears of it at once, and passes it on.
		sent.add(key);
		try {
			await this.#parts.pool.add(evidence);
		} catch (cause) {
			sent.delete(key);
			if (cause instanceof CairnError && cause.blame === "peer") throw cause;
			this.#logger.error("Evidence has not been added", { err: messageOf(cause) });
		}
	}

	// ------------------------------------------------------------------------------------------------ sending

	#pumpAll(): void {
		for (const correspondent of this.#peers.values()) this.#pump(correspondent);
	}

	#pump(correspondent: Correspondent): void {
		if (this.#parts.pool.size === 0 || this.#isStopped) return;
		this.#repeatLater();
		const { peer, sent } = correspondent;
		const height = this.#parts.heightOf(peer.id);
		for (const evidence of this.#parts.pool.entries()) {
			const key = keyOf(evidence);
			if (sent.has(key) || !this.#isUseful(evidence, height)) continue;
			if (!peer.send(EVIDENCE_CHANNEL, encodeEvidenceList([evidence]))) return;
			sent.add(key);
		}
	}

	/** A peer that has not passed the height could not judge it; to one far ahead it is too old. */
	#isUseful(evidence: Evidence, peerHeight: Height): boolean {
		const age = peerHeight - evidenceHeight(evidence);
		return age > 0 && BigInt(age) <= this.#parts.chainState().consensusParams.evidence.maxAgeNumBlocks;
	}

	/** Peers that could not use it then may be able to now. */
	#repeatLater(): void {
		this.#repeatTimer ??= this.#parts.timers.after(REPEAT_MS, () => {
			this.#repeatTimer = null;
			for (const { sent } of this.#peers.values()) sent.clear();
			this.#pumpAll();
		});
	}
}

const keys = new WeakMap<Evidence, string>();

function keyOf(evidence: Evidence): string {
	let key = keys.get(evidence);
	if (key === undefined) {
		key = toHex(evidenceHash(evidence));
		keys.set(evidence, key);
	}
	return key;
}
