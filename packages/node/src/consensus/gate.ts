import type { Engine, Epoch, Origin, Tendermint, TendermintMessage } from "@cairn/consensus";
import type { SignatureCache } from "@cairn/crypto";
import { BoundedQueue, CairnError, type Logger, messageOf } from "@cairn/kit";
import type { Height, Part, PartSetHeader, Round } from "@cairn/types";
import type { Driver } from "./driver.ts";

/** What peers send that concerns the height being decided. */
export type PeerMessage =
	| { readonly kind: "engine"; readonly peer: string; readonly message: TendermintMessage }
	| {
			readonly kind: "part";
			readonly peer: string;
			readonly height: Height;
			readonly round: Round;
			readonly part: Part;
	  };

export interface GateParts {
	readonly engine: Engine<Tendermint>;
	readonly driver: Driver<Tendermint>;
	readonly signatures: SignatureCache;
	readonly logger: Logger;
	/** Part-set header the engine wants parts of now. */
	readonly wantedParts: () => PartSetHeader | null;
	/** False if a proposal's part set is larger than a legal block. */
	readonly fits: (header: PartSetHeader) => boolean;
	readonly addPart: (peer: string, height: Height, round: Round, part: Part, wanted: PartSetHeader | null) => boolean;
	/** The peer broke a rule: it is to be stopped. */
	readonly onFault: (peer: string, reason: string) => void;
	/** Our own failure while handling a message. */
	readonly onFatal: (cause: unknown) => void;
}

/** Messages of all peers that may wait for the turn under way. Beyond it the peer with most of them is stopped. */
const INBOX_MESSAGES = 16_384;
/** Messages for the next height or a later round that are kept until their time comes; the oldest fall out first. */
const LATER_MESSAGES = 2_048;

/**
 * Stands before the engine's door: takes peers' messages in order, one at a time while no turn runs, so that each is
 * judged by the state its predecessors have left; asks the engine whether it cares, and verifies signatures only then.
 */
export class Gate {
	readonly #parts: GateParts;
	readonly #inbox = new BoundedQueue<PeerMessage>(INBOX_MESSAGES, "refuse-newest");
	readonly #later = new BoundedQueue<PeerMessage>(LATER_MESSAGES, "drop-oldest");
	#open = false;
	#pumping = false;

	constructor(parts: GateParts) {
		this.#parts = parts;
	}

	/** Lets messages in; before (while the node syncs) they are dropped. */
	open(): void {
		this.#open = true;
	}

	close(): void {
		this.#open = false;
		this.#inbox.clear();
		this.#later.clear();
	}

	get queued(): number {
		return this.#inbox.length;
	}

	submit(message: PeerMessage): void {
		if (!this.#open) return;
		if (!this.#inbox.push(message)) {
			this.#stopGreediest();
			this.#inbox.push(message);
		}
		this.pump();
	}

	/** Whoever fills the inbox pays for it, not whoever sends next: its messages go, and so does the peer. */
	#stopGreediest(): void {
		const waiting = this.#inbox.take(INBOX_MESSAGES);
		const counts = new Map<string, number>();
		for (const { peer } of waiting) counts.set(peer, (counts.get(peer) ?? 0) + 1);
		const [greediest = ""] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a));
		for (const each of waiting) if (each.peer !== greediest) this.#inbox.push(each);
		this.#parts.onFault(greediest, "consensus inbox is full");
	}

	/** Messages that were too early get another look: the height or round has moved on. */
	retryLater(): void {
		for (let waiting = this.#later.length; waiting > 0; waiting--) {
			const message = this.#later.shift();
			if (message !== undefined) this.#inbox.push(message);
		}
	}

	/** Goes on with the inbox while no turn runs. Called after each turn. */
	pump(): void {
		if (this.#pumping) return;
		this.#pumping = true;
		try {
			while (!this.#parts.driver.busy) {
				const message = this.#inbox.shift();
				if (message === undefined) return;
				this.#handle(message);
			}
		} catch (cause) {
			this.#parts.onFatal(cause);
		} finally {
			this.#pumping = false;
		}
	}

	#handle(message: PeerMessage): void {
		try {
			if (message.kind === "engine") this.#admit(message);
			else this.#parts.addPart(message.peer, message.height, message.round, message.part, this.#parts.wantedParts());
		} catch (cause) {
			if (!(cause instanceof CairnError) || cause.blame !== "peer") throw cause;
			this.#parts.onFault(message.peer, messageOf(cause));
		}
	}

	#admit(given: Extract<PeerMessage, { kind: "engine" }>): void {
		const { engine, driver, logger } = this.#parts;
		const { peer, message } = given;
		const asked: Origin = { peer, signer: null, epoch: 0 };
		const admission = engine.admit(asked, message);
		if (admission.kind === "later") {
			this.#later.push(given);
			return;
		}
		if (admission.kind === "drop") {
			if (admission.fault) this.#parts.onFault(peer, admission.why);
			else logger.debug("ignored message", { peer, kind: message.kind, why: admission.why });
			return;
		}
		if (message.kind === "proposal" && !this.#parts.fits(message.proposal.blockId.partSetHeader)) {
			this.#parts.onFault(peer, "proposal block has too many parts");
			return;
		}
		const signer = verifiedSigner(engine, this.#parts.signatures, message, admission.epoch);
		if (signer === "false") {
			this.#parts.onFault(peer, `invalid signature on ${message.kind}`);
			return;
		}
		driver.push({ kind: "message", origin: { peer, signer, epoch: admission.epoch.number }, message });
	}
}

/** Checks every signature a message stands on. The signer's member number (null where nothing is signed), or "false". */
export function verifiedSigner(
	engine: Engine<Tendermint>,
	signatures: SignatureCache,
	message: TendermintMessage,
	epoch: Epoch,
): number | null | "false" {
	let signer: number | null = null;
	for (const claim of engine.claims(message, epoch)) {
		const validator = epoch.validators.validators[claim.index];
		if (validator === undefined) return "false";
		if (!signatures.verify(validator.publicKey, claim.signBytes, claim.signature)) return "false";
		signer = epoch.members[claim.index] ?? null;
	}
	return signer;
}
